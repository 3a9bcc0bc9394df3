#!/usr/bin/python3
"""What a user types: commands, options, exit codes, and what is said about a configuration that is wrong."""
import fcntl
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

TIDINGS = (Path(os.environ.get("BUILD", "build")) / "tidings").resolve()
DEADLINE_S = 20
SECRET = "s3cr3t-w0rd"

# A configuration by sections, so that a case can change one of them.
GOOD = {
    "source": "kopano: {url: 'http://127.0.0.1:9/', user: bridge, password_file: PASSWORD}",
    "follow": "{mode: folders, stores: [user1], folders: [Inbox]}",
    "snapshot": "all",
    "sink": "kafka: {delivery: at-least-once, librdkafka: {bootstrap.servers: '127.0.0.1:9'}}",
    "state": "{path: STATE}",
}


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="tidings-cli-")
        self.addCleanup(scratch.cleanup)
        self.dir = Path(scratch.name)
        (self.dir / "password").write_text(SECRET + "\n")

    def tidings(self, *arguments, stdout=subprocess.PIPE):
        return subprocess.run([TIDINGS, *arguments], stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
                              text=True, timeout=DEADLINE_S)

    def write(self, changes=None, text=None):
        """The path of a configuration: GOOD with some sections changed (None: left out), or the text."""
        if text is None:
            sections = {**GOOD, **(changes or {})}
            text = "".join(f"{name}:\n  {value}\n" for name, value in sections.items() if value is not None)
        path = self.dir / "tidings.yaml"
        path.write_text(text.replace("PASSWORD", str(self.dir / "password")).replace("STATE", str(self.dir / "state.db")))
        return path

    def assert_said(self, done, code, stderr, stdout=""):
        self.assertEqual((done.stdout, done.stderr, done.returncode), (stdout, stderr, code))


class Commands(Case):
    def test_without_a_command(self):
        self.assert_said(self.tidings(), 2, "tidings: which command?\nSee `tidings help`.\n")

    def test_unknown_command(self):
        self.assert_said(self.tidings("rnu"), 2, "tidings: unknown command `rnu`; did you mean `run`?\nSee `tidings help`.\n")

    def test_version(self):
        for word in "version", "--version":
            done = self.tidings(word)
            self.assertRegex(done.stdout, r"\Atidings \d+\.\d+\.\d+\n\Z")
            self.assertEqual((done.stderr, done.returncode), ("", 0))
        self.assertEqual(self.tidings("version", "x").returncode, 2)

    def test_help_lists_every_command_and_each_has_its_own(self):
        done = self.tidings("help")
        self.assertEqual((done.stderr, done.returncode), ("", 0))
        names = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("  tidings ")]
        self.assertEqual(names, ["run", "check", "tail", "sync", "subscribe", "state", "status", "snapshot", "version", "help"])
        for name in names:
            about = self.tidings("help", name)
            self.assertTrue(about.stdout.startswith(f"tidings {name}"))
            self.assert_said(self.tidings(name, "--help"), 0, "", about.stdout)
        self.assert_said(self.tidings("--help"), 0, "", done.stdout)

    def test_options(self):
        for arguments, text in [
            (["run"], "run: which configuration? Write -c FILE"),
            (["check"], "check: which configuration? Write -c FILE"),
            (["run", "-c"], "run: option -c needs the name of a file"),
            (["run", "-x"], "run: unknown option `-x`"),
            (["run", "-vx"], "run: unknown option `-x`"),
            (["check", "-v"], "check: unknown option `-v`"),
            (["check", "--repair"], "check: unknown option `--repair`"),
            (["run", "-c", "a", "b"], "run: unexpected argument `b`"),
        ]:
            with self.subTest(arguments):
                self.assert_said(self.tidings(*arguments), 2, f"tidings {text}\nSee `tidings help {arguments[0]}`.\n")

    def test_a_result_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "w") as full:
            done = self.tidings("version", stdout=full)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "tidings: cannot write to standard output: No space left on device\n")


class Check(Case):
    def test_a_right_configuration(self):
        self.assert_said(self.tidings("check", "-c", self.write()), 0, "", "configuration OK\n")
        self.assertEqual(sorted(path.name for path in self.dir.iterdir()), ["password", "tidings.yaml"])

    def assert_wrong(self, place_and_text, **config):
        path = self.write(**config)
        self.assert_said(self.tidings("check", "-c", path), 2, f"tidings: error: {path}:{place_and_text}\n")

    def test_mistakes(self):
        for changes, text in [
            ({"follow": "{mode: folders, stores: [user1], folers: [Inbox]}"},
             "4:36: unknown key `folers`; did you mean `folders`?"),
            ({"follow": "{mode: server, stores: [user1]}"},
             "4:18: `follow.stores` is not for `mode: server`, which follows all of them; write `mode: stores`, or leave it out"),
            ({"follow": "{mode: folders, stores: [user1], folders: ['Projects**']}"},
             "4:46: `Projects**`: ** stands for whole names: write it alone between slashes, as in `Projects/**/Old`"),
            ({"follow": "{mode: folders, stores: user1, folders: [Inbox]}"},
             "4:19: `follow.stores` must be a list, as in `stores: [...]`, not a single value"),
            ({"snapshot": None},
             "1:1: key `snapshot` is missing: write `snapshot: all` to list first what is there, or `snapshot: none`"),
            ({"snapshot": "some"}, "5:1: `snapshot` cannot be `some`; known here: none, all"),
            ({"notifications": "loud"}, "11:1: `notifications` cannot be `loud`; known here: off, wake, publish"),
            ({"sink": "{}"}, "7:1: `sink` must name exactly one, as in `sink: {kafka: ...}`, not 0"),
            ({"sink": "kafak: {}"}, "8:3: unknown key `kafak`; did you mean `kafka`?"),
            ({"source": "{kopano: {}, kopano: {}}"}, "2:16: key `kopano` is given twice, first in line 2"),
            ({"state": "{}"}, "9:1: key `state.path` is missing"),
            ({"state": "{path: }"}, "10:4: `state.path` has no value"),
            ({"state": "&x {path: a}"},
             "10:3: anchors and aliases (& and *) are not accepted; put a text that begins so in quotes"),
            ({"state": "!x {path: a}"}, "10:3: tags (!) are not accepted; put a text that begins so in quotes"),
            ({"memory": "{budget: 1 MiB}"},
             "12:4: `memory.budget` must be a size from 4 MiB to 1024 GiB, as in `32 MiB`, not `1 MiB`"),
            ({"memory": "{budget: lots}"},
             "12:4: `memory.budget` must be a size from 4 MiB to 1024 GiB, as in `32 MiB`, not `lots`"),
            ({"log": "{level: loud}"}, "12:4: `log.level` cannot be `loud`; known here: error, warning, info, debug"),
            ({"log": "debug"}, "11:1: `log` must be a map of keys, as in `level: ...`"),
            ({"memroy": "{}"}, "11:1: unknown key `memroy`; did you mean `memory`?"),
        ]:
            with self.subTest(text):
                self.assert_wrong(text, changes=changes)

    def test_what_is_no_yaml(self):
        for text, said in [
            ("", "1:1: the configuration is empty"),
            ("source: [\n", "2:1: not valid YAML: did not find expected node content while parsing a flow node"),
            ("- a\n", "1:1: the configuration must be a map, as in `source: ...`"),
            ("a: 1\n---\nb: 1\n", "2:1: a second document begins here; a configuration is only one"),
        ]:
            with self.subTest(text):
                self.assert_wrong(said, text=text)

    def test_a_file_that_cannot_be_read(self):
        path = self.dir / "none.yaml"
        self.assert_said(self.tidings("check", "-c", path), 2,
                         f"tidings: error: cannot read the configuration {path}: No such file or directory\n")
        self.assert_said(self.tidings("run", "-c", self.dir), 2,
                         f"tidings: error: cannot read the configuration {self.dir}: Is a directory\n")

    def test_a_secret_in_the_wrong_place_is_not_repeated(self):
        kafka = "kafka: {delivery: at-least-once, librdkafka: {bootstrap.servers: '127.0.0.1:9', %s}}"
        for changes in [
            {"source": f"kopano: {{url: 'http://127.0.0.1:9/', user: bridge, password: {SECRET}}}"},
            {"source": f"kopano: {{url: 'http://127.0.0.1:9/', user: bridge, password_file: [{SECRET}]}}"},
            {"sink": kafka % f"sasl.password: [{SECRET}]"},
            {"sink": kafka % f"sasl.pasword: {SECRET}"},
        ]:
            with self.subTest(changes):
                done = self.tidings("check", "-c", self.write(changes))
                self.assertEqual(done.returncode, 2)
                self.assertRegex(done.stderr, r"\Atidings: error: [^\n]+\n\Z")
                self.assertNotIn(SECRET, done.stdout + done.stderr)


class Run(Case):
    def test_a_wrong_configuration(self):
        path = self.write({"snapshot": "some"})
        self.assert_said(self.tidings("run", "-c", path), 2,
                         f"tidings: error: {path}:5:1: `snapshot` cannot be `some`; known here: none, all\n")

    def test_a_state_without_a_directory(self):
        path = self.write({"state": f"{{path: {self.dir}/none/state.db}}"})
        self.assert_said(self.tidings("run", "-c", path), 2,
                         f"tidings: error: cannot make {self.dir}/none/state.db.lock: No such file or directory; the directory "
                         "must exist and be writable for this user\n")

    def test_a_state_in_use(self):
        with open(self.dir / "state.db.lock", "w") as lock:
            lock.write("12345\n")
            lock.flush()
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assert_said(self.tidings("run", "-c", self.write()), 2,
                             f"tidings: error: the state {self.dir}/state.db is in use by process 12345; one state is for one "
                             "instance\n")

    def test_a_damaged_state(self):
        (self.dir / "state.db").write_bytes(b"x" * 8192)
        self.assert_said(self.tidings("run", "-c", self.write()), 2,
                         f"tidings: error: the state {self.dir}/state.db is damaged (file is not a database): put back a copy of "
                         "it, or remove it to start anew\n")


if __name__ == "__main__":
    unittest.main()
