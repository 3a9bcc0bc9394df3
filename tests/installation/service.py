#!/usr/bin/python3
"""The package under a real systemd: started, reloaded, killed, hung, misconfigured, stopped; into files and into ZeroMQ.

As root (make check-service). systemd is process 1 of namespaces of its own, on a layer above the machine's files that is thrown
away with them; the network is the machine's.
"""

import json
import os
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "daemon"))

from file_topics import FileTopics  # noqa: E402
from files import FileDaemonTest  # noqa: E402
from harness import PASSWORD  # noqa: E402
from ports import free_port  # noqa: E402
from test_installation import ROOT, run  # noqa: E402
from waiting import wait_until  # noqa: E402
from zeromq import NAME, Consumer  # noqa: E402

SECONDS = 60.0
STATE = "/var/lib/tidings"

OWN_CGROUP = """
mount --make-rprivate /
mount -t cgroup2 cgroup2 {directory}/cgroup
mkdir {directory}/cgroup/{name}
echo $$ >{directory}/cgroup/{name}/cgroup.procs
exec unshare --pid --cgroup --uts --ipc --mount --fork --kill-child sh -ec '{boot}'
"""

NO_CGROUP = """
mount -t cgroup2 cgroup2 {directory}/cgroup
find {directory}/cgroup/{name} -depth -type d -exec rmdir {{}} +
"""

BOOT = """
mount -t tmpfs tmpfs {directory}/root
cd {directory}/root
mkdir upper work new
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work new
cd new
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for name in run tmp dev; do mount -t tmpfs tmpfs $name; done
for name in null zero full random urandom tty; do touch dev/$name; mount --bind /dev/$name dev/$name; done
mkdir -p dev/pts dev/shm var/lib/tidings old
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount --bind {directory}/state var/lib/tidings
cp {package} tmp/tidings.deb
rm -rf etc/systemd/system/*.wants etc/tidings
printf "[Unit]\\nRequires=systemd-journald.socket\\nAfter=systemd-journald.socket\\n" >etc/systemd/system/bare.target
pivot_root . old
umount -l old
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=bare.target
"""


@unittest.skipUnless(os.geteuid() == 0, "only root may start a systemd")
class Booted(FileDaemonTest):
    unit = "tidings"

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.package = ROOT / run("make", "-s", "deb", MAKEFLAGS="", MFLAGS="", DEBEMAIL="tidings@debian.org").split()[-1]

    def setUp(self) -> None:
        super().setUp()
        for name in ("cgroup", "root", "state"):
            (self.directory / name).mkdir()
        self.boot()
        wait_until(lambda: self.inside("systemctl", "is-system-running", check=False) == "running", "systemd runs", SECONDS)
        self.inside("dpkg", "--install", "/tmp/tidings.deb")
        self.inside("install", "-d", "-o", "tidings", f"{STATE}/records")
        self.set_password(PASSWORD)
        self.topics = FileTopics(self.directory / "state" / "records")
        self.configure({"sink": {"file": {"directory": f"{STATE}/records"}}})
        self.fake.create("user1/Inbox", 5)

    def boot(self) -> None:
        words = {"directory": self.directory, "name": self.directory.name, "package": self.package}
        script = OWN_CGROUP.format(boot=BOOT.format(**words), **words)
        self.namespaces = subprocess.Popen(["unshare", "--mount", "sh", "-ec", script], stdin=subprocess.DEVNULL)
        self.addCleanup(self.end)
        self.children = Path(f"/proc/{self.namespaces.pid}/task/{self.namespaces.pid}/children")

    def end(self) -> None:
        self.namespaces.kill()
        self.namespaces.wait()
        subprocess.run(["unshare", "--mount", "sh", "-c", NO_CGROUP.format(directory=self.directory, name=self.directory.name)])

    def inside(self, *command: str, check: bool = True, text: str = "") -> str:
        target = self.children.read_text().split()
        if not target:
            return ""
        done = subprocess.run(["nsenter", "-t", target[0], "-m", "-p", "-C", "-u", "-i", *command], input=text, capture_output=True, text=True)
        if check and done.returncode:
            raise AssertionError(f"{command} ends with {done.returncode}: {done.stderr}\n{self.journal()}")
        return done.stdout.strip()

    def set_password(self, password: str) -> None:
        self.inside("install", "-m", "400", "-o", "tidings", "/dev/stdin", "/etc/tidings/password", text=password + "\n")

    def configure(self, changes: dict[str, Any], name: str = "tidings", state: str = STATE) -> None:
        config = self.default_config() | changes | {"state": {"path": f"{state}/state.db"}}
        config["source"]["kopano"]["password_file"] = "/etc/tidings/password"
        self.inside("tee", f"/etc/tidings/{name}.yaml", text=json.dumps(config))

    def systemctl(self, command: str) -> None:
        self.inside("systemctl", command, self.unit)

    def shown(self, name: str) -> str:
        return self.inside("systemctl", "show", "--property", name, "--value", self.unit)

    def journal(self) -> str:
        return self.inside("journalctl", "--no-pager", "-u", self.unit, check=False)

    def kill(self, signal: str) -> None:
        self.inside("kill", signal, self.shown("MainPID"))

    def wait_for_shown(self, name: str, value: str) -> None:
        wait_until(lambda: self.shown(name) == value, lambda: f"{name} is {value}, not {self.shown(name)}:\n{self.journal()}", SECONDS)

    def create_and_wait(self) -> None:
        self.fake.create("user1/Inbox", 3)
        self.wait_for_mirror(seconds=SECONDS)


class IntoFiles(Booted):
    def test_started_reloaded_killed_and_stopped(self) -> None:
        self.systemctl("start")
        self.wait_for_mirror(seconds=SECONDS)
        self.assertEqual(self.shown("StatusText"), "from kopano to file")
        self.systemctl("reload")
        wait_until(lambda: "SIGHUP: /etc/tidings/tidings.yaml was read again" in self.journal(), self.journal, SECONDS)
        self.create_and_wait()
        self.kill("-KILL")
        self.wait_for_shown("NRestarts", "1")
        self.create_and_wait()
        self.systemctl("stop")
        self.assertEqual((self.shown("ActiveState"), self.shown("Result")), ("inactive", "success"), self.journal())
        self.assertNotIn(PASSWORD, self.inside("journalctl", "--no-pager"))

    def test_one_that_hangs_is_ended_by_the_watchdog_and_started_again(self) -> None:
        self.inside("install", "-D", "/dev/stdin", "/etc/systemd/system/tidings.service.d/soon.conf", text="[Service]\nWatchdogSec=5s\n")
        self.inside("systemctl", "daemon-reload")
        self.systemctl("start")
        self.wait_for_mirror(seconds=SECONDS)
        self.kill("-STOP")
        self.wait_for_shown("NRestarts", "1")
        self.create_and_wait()
        self.assertIn("Watchdog timeout", self.journal())

    def test_what_only_a_person_mends_is_not_tried_again(self) -> None:
        self.set_password("Falsch-5tB1m")
        self.inside("systemctl", "start", self.unit, check=False)
        self.wait_for_shown("ActiveState", "failed")
        self.assertEqual((self.shown("ExecMainStatus"), self.shown("NRestarts")), ("2", "0"), self.journal())
        self.set_password(PASSWORD)
        self.systemctl("start")
        self.wait_for_mirror(seconds=SECONDS)


class IntoZeroMQ(Booted):
    """libzmq ends the process where it is not allowed what it expects."""

    unit = "tidings@live"

    def test_started(self) -> None:
        acknowledged, live = (f"tcp://127.0.0.1:{free_port()}" for _ in range(2))
        sink = {"acknowledged": {"bind": acknowledged, "consumer": NAME}, "live": {"bind": live}}
        self.configure({"sink": {"zeromq": sink}}, name="live", state=f"{STATE}/live")
        self.systemctl("start")
        consumer = Consumer(acknowledged, NAME)
        self.addCleanup(consumer.socket.close)
        self.assertTrue(wait_until(lambda: consumer.next(1), self.journal, SECONDS))
        self.assertEqual((self.shown("ActiveState"), self.shown("NRestarts")), ("active", "0"), self.journal())


if __name__ == "__main__":
    unittest.main(verbosity=2)
