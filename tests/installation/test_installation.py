#!/usr/bin/python3
"""What is installed: units, examples, the trees of `make install`, and a Debian package that is installed and run."""

import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "daemon"))

from files import FileDaemonTest  # noqa: E402
from process import BUILD, ROOT, Daemon  # noqa: E402

MOST_EXPOSURE = 2.0
DEADLINE_S = 600
UNITS = ("tidings.service", "tidings@.service")


def run(*command: str | Path, status: int = 0, **how: str) -> str:
    """What it printed; it must end so."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        env=dict(os.environ, **how),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_S,
    )
    if done.returncode != status:
        raise AssertionError(f"{command} ends with {done.returncode}:\n{done.stdout}")
    return done.stdout


def make(target: str, *variables: str) -> str:
    """Without the flags of a make that runs the tests."""
    return run("make", "-s", target, f"BUILD={BUILD}", *variables, MAKEFLAGS="", MFLAGS="")


def files_below(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


class Scratch(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="tidings-install-")
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)


class Install(Scratch):
    def install(self) -> None:
        make("install", f"DESTDIR={self.root}", "PREFIX=/usr")

    def test_what_is_installed_and_uninstalled(self) -> None:
        self.install()
        found = files_below(self.root)
        for name in [
            "usr/bin/tidings",
            "usr/lib/systemd/system/tidings.service",
            "usr/lib/systemd/system/tidings@.service",
            "usr/lib/sysusers.d/tidings.conf",
            "usr/lib/tmpfiles.d/tidings.conf",
            "usr/share/man/man1/tidings.1",
            "usr/share/man/man5/tidings.yaml.5",
            "usr/share/doc/tidings/events.md",
        ]:
            self.assertIn(name, found)
        for source, installed in [("proto", "usr/share/tidings/proto"), ("deploy/examples", "usr/share/doc/tidings/examples")]:
            for path in [*(ROOT / source).rglob("*.proto"), *(ROOT / source).rglob("*.yaml")]:
                self.assertIn(f"{installed}/{path.relative_to(ROOT / source)}", found)
        self.assertRegex(run(self.root / "usr/bin/tidings", "version"), r"^tidings \d")
        make("uninstall", f"DESTDIR={self.root}", "PREFIX=/usr")
        self.assertEqual(files_below(self.root), set())

    def test_installed_proto_files_can_be_compiled(self) -> None:
        self.install()
        protos = self.root / "usr/share/tidings/proto"
        run("protoc", f"-I{protos}", "-I/usr/include", f"--python_out={self.root}", *protos.rglob("*.proto"))


class Units(Scratch):
    def setUp(self) -> None:
        super().setUp()
        make("install", f"PREFIX={self.root}")
        self.units = [self.root / "lib/systemd/system" / name for name in UNITS]

    def test_systemd_understands_them(self) -> None:
        for unit in self.units:
            said = run("systemd-analyze", "verify", "--man=no", str(unit).replace("@.", "@x."))
            self.assertNotIn("tidings", said)

    def test_how_much_they_are_exposed(self) -> None:
        for unit in self.units:
            said = run("systemd-analyze", "security", "--offline=true", "--threshold=20", unit)
            exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
            self.assertLessEqual(float(exposure[1]), MOST_EXPOSURE, said)

    def test_what_libzmq_needs_is_allowed(self) -> None:
        """Else it ends the process (tests/installation/service.py sees that)."""
        for unit in self.units:
            filters = [line for line in unit.read_text().splitlines() if line.startswith("SystemCallFilter=")]
            self.assertEqual(filters[-1], "SystemCallFilter=sched_setscheduler", "after what is forbidden")
            self.assertRegex(unit.read_text(), r"(?m)^RestrictAddressFamilies=.*\bAF_NETLINK\b")

    def test_what_only_a_person_mends_is_not_restarted(self) -> None:
        for unit in self.units:
            text = unit.read_text()
            self.assertIn("RestartPreventExitStatus=2\n", text)
            self.assertIn("Type=notify\n", text)
            self.assertNotRegex(text, "@[A-Z]+@")


class Examples(Scratch):
    def test_each_is_a_right_configuration(self) -> None:
        (self.root / "password").write_text("secret\n")
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=ca",
            "-keyout", self.root / "key.pem", "-out", self.root / "ca.pem")  # fmt: skip
        examples = sorted((ROOT / "deploy/examples").glob("*.yaml"))
        self.assertGreaterEqual(len(examples), 2)
        for example in examples:
            with self.subTest(example.name):
                text = re.sub(r"/etc/ssl/\S+\.pem", str(self.root / "ca.pem"), example.read_text())
                text = re.sub(r"/etc/tidings/[\w-]*password", str(self.root / "password"), text)
                (self.root / "tidings.yaml").write_text(text)
                self.assertIn("configuration OK", run(BUILD / "tidings", "check", "-c", self.root / "tidings.yaml"))


class Package(FileDaemonTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.package = ROOT / run("make", "-s", "deb", MAKEFLAGS="", MFLAGS="", DEBEMAIL="tidings@debian.org").split()[-1]

    def dpkg(self, *arguments: str | Path) -> str:
        return run("dpkg", f"--root={self.root}", "--force-depends", "--force-script-chrootless", *arguments,
                   DEBIAN_FRONTEND="noninteractive")  # fmt: skip

    def make_root(self) -> None:
        self.root = self.directory / "root"
        for name in ("updates", "info"):
            (self.root / "var/lib/dpkg" / name).mkdir(parents=True)
        (self.root / "var/lib/dpkg/status").touch()

    def test_lintian_finds_no_error(self) -> None:
        said = run("lintian", "--allow-root", "--fail-on=error", self.package)
        self.assertNotRegex(said, r"(?m)^E:")

    @unittest.skipUnless(os.geteuid() == 0, "only root may install a package")
    def test_installed_run_and_purged(self) -> None:
        self.make_root()
        self.dpkg("--install", self.package)
        (user,) = re.findall(r"^tidings:[^:]*:(\d+):", (self.root / "etc/passwd").read_text(), re.M)
        state = (self.root / "var/lib/tidings").stat()
        self.assertEqual((state.st_uid, state.st_mode & 0o777), (int(user), 0o750))
        self.assertEqual((self.root / "etc/tidings").stat().st_mode & 0o777, 0o750)
        self.assertFalse(list(self.root.glob("etc/systemd/**/*.service")), "it would start before it is configured")
        self.follow_with_the_installed_program()
        (self.root / "var/lib/tidings/state.db").write_text("what the daemon wrote")
        self.dpkg("--remove", "tidings")
        self.assertFalse((self.root / "usr/bin/tidings").exists())
        self.assertTrue((self.root / "var/lib/tidings/state.db").exists())
        self.dpkg("--purge", "tidings")
        self.assertFalse((self.root / "var/lib/tidings").exists())

    def follow_with_the_installed_program(self) -> None:
        self.fake.create("user1/Inbox", 5)
        self.daemon = Daemon(self.daemon.config, self.daemon.log_file, self.root / "usr/bin/tidings")
        self.addCleanup(self.daemon.kill)
        self.start()
        self.assert_mirror()


if __name__ == "__main__":
    unittest.main(verbosity=2)
