"""The built program under mpirun, for the scripts of this folder."""
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys


def run(words, threads):
    """Standard output; what went wrong ends the script."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OMPI_ALLOW_RUN_AS_ROOT": "1",
                   "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "REPRISE_LOG": "warning"}
    done = subprocess.run([str(word) for word in words], env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stderr}")
    return done.stdout


class Program:
    def __init__(self, path, scratch):
        self.path, self.scratch = path, scratch
        scratch.mkdir(parents=True, exist_ok=True)

    def reprise(self, command, options, ranks=1, threads=2):
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        run(["mpirun", "-q", "--bind-to", "none", "--oversubscribe", "-n", ranks, self.path, command, *words], threads)

    def path_of(self, target):
        """A program of the same build."""
        return pathlib.Path(self.path).parent.parent / target

    def fresh(self, name):
        shutil.rmtree(self.scratch / name, ignore_errors=True)
        return self.scratch / name

    def train(self, options, out="training", ranks=1, threads=2):
        """Lines of metrics.jsonl of a new run, without checkpoints."""
        folder = self.fresh(out)
        self.reprise("train", {**options, "train.out": folder, "train.checkpoint-every": 0, "train.threads": threads},
                     ranks, threads)
        return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]

    def corpus_of(self, text):
        """Of one file or folder of text, for models of vocabulary 1024; kept where it is there."""
        folder = self.scratch / "corpus"
        if not folder.exists():
            self.reprise("data", {"data.source": text, "data.out": folder, "data.vocab": 1024, "data.max-bytes": 12_000_000,
                                  "data.max-document-bytes": 20_000})
        return folder

    def make_corpus(self, text, out="corpus", **options):
        """Of the folders that scripts/collect-text made; kept where it is there."""
        if not (self.scratch / out).exists():
            self.reprise("data", {"data.source": ",".join(str(text / name) for name in ("torch", "cmake", "perl")),
                                  "data.out": self.scratch / out, "data.max-document-bytes": 20_000,
                                  **{f"data.{name.replace('_', '-')}": value for name, value in options.items()}})
        return self.scratch / out

    def revision(self):
        """Of this tree, from which scripts/bench builds the program before it measures."""
        return run(["git", "-C", pathlib.Path(__file__).parent, "rev-parse", "--short", "HEAD"], 1).strip()

    def machine(self):
        model = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
        return {"cpu": model[0] if model else platform.machine(), "cores": os.cpu_count(),
                "versions": run([self.path, "--version"], 2).splitlines()}
