"""scripts/check-sources finds each kind of offence in a small tree made for it, and nothing in a tidy one."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check-sources"


def check(files):
    """Exit status and output for a tree of these files."""
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = pathlib.Path(root) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        done = subprocess.run([sys.executable, CHECK, root], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout


class CheckSources(unittest.TestCase):
    def assert_offence(self, files, message):
        status, output = check(files)
        self.assertEqual(status, 1, output)
        self.assertIn(message, output)

    def test_a_tidy_tree_passes(self):
        status, output = check({
            "base/a.h": "#pragma once\n#include <vector>\n",
            "models/b.cpp": '#include "base/a.h"\n#include "data/d.h"\n',
            "base/log.cpp": "#include <spdlog/spdlog.h>\n",
            "tests/models/t.cpp": '#include "launch/command.h"\n#include "tests/support/x.h"\n',
        })
        self.assertEqual((status, output), (0, "4 files in order\n"))

    def test_upward_and_sideways_includes(self):
        self.assert_offence({"base/a.cpp": '\n#include "data/b.h"\n'}, "base/a.cpp:2: base may not include data/b.h")
        self.assert_offence({"train/a.cpp": '#include "eval/b.h"\n'}, "train may not include eval/b.h")
        self.assert_offence({"eval/x/a.cpp": '# include <train/b.h>\n'}, "eval may not include train/b.h")
        self.assert_offence({"data/a.cpp": '#include "tests/b.h"\n'}, "data may not include tests/b.h")

    def test_forbidden_headers(self):
        self.assert_offence({"tests/a.cpp": "#include <torch/torch.h>\n"}, "torch/torch.h is not included here")
        self.assert_offence({"base/a.cpp": "#include <spdlog/spdlog.h>\n"}, "its fmt clashes")

    def test_long_files_and_unguarded_headers(self):
        self.assert_offence({"base/a.cpp": "\n" * 401}, "401 lines")
        self.assert_offence({"base/a.h": "int a;\n"}, "no #pragma once")

    def test_a_folder_without_sources_is_an_error(self):
        self.assert_offence({"README": ""}, "no sources here")


if __name__ == "__main__":
    unittest.main()
