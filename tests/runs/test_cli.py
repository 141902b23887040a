"""The command line: what it prints, how it stops, and what it says to bad input."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from maml_edu.foundation.checks import InputError, fraction
from maml_edu.foundation.options import option
from maml_edu.learners import LEARNERS, MAML
from maml_edu.runs.checkpoint import load
from maml_edu.runs.cli import main
from maml_edu.runs.cli.flags import device_of
from maml_edu.runs.training_state import load_state
from tests.runs.test_run import contents, wait_for

COMMAND = [sys.executable, "-m", "maml_edu"]
SMALL = ["--meta-batch", "3", "--shots", "3", "--queries", "2"]
TRAIN = ["train", "sine", "--steps", "30", "--no-capture", "--n-tasks", "20", *SMALL]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """Every command here runs in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_training_then_evaluating(capsys):
    assert main([*TRAIN, "--learner", "joint", "--out", "runs/a"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("runs/a: joint, ")
    typed = ["python", "-m", "maml_edu", *TRAIN, "--learner", "joint", "--out", "runs/a"]
    assert load("runs/a").metadata["command"] == " ".join(typed)
    assert main(["evaluate", "runs/a", "--n-tasks", "20"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0] == "runs/a: joint"
    assert [row.split()[0] for row in rows[3:]] == ["0", "1", "5", "10"]
    assert rows[3:] == printed.splitlines()[-4:]  # the same tasks, the same figures
    mean, _, half_width = rows[3].split()[1:]
    told = load("runs/a").metadata["figures"]["by_inner_step"][0]
    assert float(mean) == pytest.approx(told["mean"], abs=6e-4)
    assert float(half_width) == pytest.approx(told["half_width"], abs=6e-4)


def test_options_reach_the_run():
    options = (
        "--learner maml --steps 12 --meta-batch 2 --shots 4 --queries 6 --inner-lr 0.02 "
        "--inner-steps 2 --meta-lr 0.005 --warmup 0.2 --seed 9 --first-order --no-capture"
    )
    assert main(["train", "sine", *options.split()]) == 0
    config = load("runs/sine-maml").metadata["config"]
    learner = {"name": "maml", "inner_lr": 0.02, "inner_steps": 2, "first_order": True}
    assert config["learner"].items() >= learner.items()
    training = {"steps": 12, "meta_batch": 2, "shots": 4, "queries": 6, "meta_lr": 0.005}
    training |= {"warmup": 0.2, "seed": 9, "capture": False, "schedule": "cosine"}
    assert config["training"].items() >= training.items()


@pytest.mark.slow
def test_capturing_gives_the_same_numbers():
    options = ["train", "sine", "--steps", "10", *SMALL]
    assert main([*options, "--out", "a"]) == 0
    assert main([*options, "--no-capture", "--out", "b"]) == 0
    a, b = load("a").theta, load("b").theta
    assert all(torch.allclose(a[name], b[name], rtol=1e-4, atol=1e-6) for name in a)


@pytest.mark.slow
def test_compiling_gives_the_same_numbers(folder, monkeypatch, capsys):
    if not any(map(shutil.which, (os.environ.get("CXX", "g++"), "clang++"))):
        pytest.skip("there is no C++ compiler")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(folder / "cache"))
    # Adam divides by the gradient's size, so it would turn rounding near 0 into steps of meta_lr.
    options = ["train", "sine", "--steps", "10", "--optimiser", "sgd", *SMALL]
    assert main([*options, "--out", "a"]) == 0
    assert main([*options, "--compile", "--out", "b"]) == 0
    assert "compiling the meta-step" in capsys.readouterr().err
    assert load("b").metadata["config"]["training"]["compile"]
    a, b = load("a").theta, load("b").theta
    assert all(torch.allclose(a[name], b[name], rtol=1e-4, atol=1e-6) for name in a)


@pytest.mark.slow
def test_without_a_compiler_it_says_so(folder):
    nowhere = {"CXX": str(folder / "no-compiler"), "TORCHINDUCTOR_CACHE_DIR": str(folder / "cache")}
    run = subprocess.run(
        [*COMMAND, "train", "sine", "--compile", "--steps", "2", *SMALL],
        env={**os.environ, **nowhere},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.returncode == 1
    assert "needs a C++ compiler, such as g++ or clang" in run.stderr
    assert "leave out --compile" in run.stderr
    assert "Traceback" not in run.stderr
    assert not list(folder.glob("runs/*/checkpoint*"))


def test_json_is_all_that_stands_on_stdout(capfd):
    command = "evaluate sine-maml --n-tasks 50 --inner-steps 3 --json"
    assert main(command.split()) == 0
    figures = json.loads(capfd.readouterr().out)  # the process's own, whoever writes to it
    assert figures["learner"] == "maml"
    assert figures["protocol"]["tasks"] == 50
    assert len(figures["by_inner_step"]) == 4
    assert all(0 < f["half_width"] < f["mean"] < 10 for f in figures["by_inner_step"])


def test_an_adaptation_that_diverges_is_said_so(capsys):
    assert main(["train", "sine", "--steps", "0", "--inner-lr", "1000", "--out", "a"]) == 0
    assert "diverged" in capsys.readouterr().out
    assert main(["evaluate", "a", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["by_inner_step"][10]["mean"] is None


def test_the_oracle_is_not_adapted(capsys):
    assert main(["evaluate", "sine-oracle", "--n-tasks", "100", "--json"]) == 0
    (only,) = json.loads(capsys.readouterr().out)["by_inner_step"]
    assert only["mean"] < 0.02


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([], ["train", "evaluate", "Example"]),
        (["train"], ["sine"]),
        (["train", "sine"], ["maml", "joint", "oracle", "--resume", "Examples", "default: 15000"]),
        (["train", "sine"], ["gives the same bits (default: 0)", "noise in y (default: 0.0)"]),
        (["evaluate"], ["CHECKPOINT", "--json", "sine-maml", "Examples", "default: 1000"]),
    ],
)
def test_help_tells_what_there_is(command, words, capsys):
    assert main([*command, "--help"]) == 0
    printed = capsys.readouterr().out
    assert not [word for word in words if word not in " ".join(printed.split())]


def test_help_does_not_wait_for_torch():
    code = "import sys; from maml_edu.runs.cli import main; "
    code += "main(['--help']); print(sorted(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE).stdout
    assert b"'maml_edu.runs.cli'" in printed
    assert b"'torch'" not in printed


# --- stopping and going on


@pytest.mark.slow
def test_ctrl_c_saves_the_state_and_says_how_to_go_on(folder):
    command = [*COMMAND, "train", "sine", "--steps", "1000000", *SMALL, "--save-every", "50"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as child:
        wait_for(lambda: saved_step(folder / "runs/sine-maml") > 0, child)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=600)
    assert child.returncode == 130
    last = said.splitlines()[-1]
    step = saved_step(folder / "runs/sine-maml")
    assert f"maml_edu: stopped at step {step} of 1000000" in last
    assert "To go on: python -m maml_edu train sine --steps 1000000" in last
    assert last.endswith("--resume")
    assert "Traceback" not in said
    assert sorted(os.listdir(folder / "runs/sine-maml")) == ["history.csv", "state.safetensors"]


@pytest.mark.slow
def test_a_run_killed_goes_on_bit_for_bit(folder):
    options = ["train", "sine", "--steps", "400", *SMALL]
    slowly = ["--save-every", "1"]  # so that it cannot end before it is killed
    with subprocess.Popen([*COMMAND, *options, *slowly], stderr=subprocess.DEVNULL) as child:
        wait_for(lambda: saved_step(folder / "runs/sine-maml") > 0, child)
        child.kill()
    assert child.returncode == -signal.SIGKILL
    assert 0 < saved_step(folder / "runs/sine-maml") < 400
    assert main([*options, "--resume"]) == 0
    assert main([*options, "--out", "whole"]) == 0
    resumed, whole = (
        Path(out, "checkpoint.safetensors").read_bytes() for out in ("runs/sine-maml", "whole")
    )
    assert resumed == whole


def saved_step(out: Path) -> int:
    file = out / "state.safetensors"
    return load_state(file).state.step if file.exists() else -1


def test_divergence_is_told_and_keeps_the_last_good_state(folder, capsys):
    assert main([*TRAIN, "--steps", "400", "--meta-lr", "1e12", "--save-every", "5"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("maml_edu: error: ")
    assert "smaller meta_lr" in last
    assert "the last good state is saved in runs/sine-maml" in last
    assert saved_step(folder / "runs/sine-maml") >= 0


# --- bad input: one sentence, a status, and nothing written

SINE = ["train", "sine"]
BAD_USAGE = {
    "no command": ([], "COMMAND"),
    "unknown command": (["fly"], "'fly'"),
    "unknown tasks": (["train", "cosine"], "'cosine'"),
    "unknown option": ([*SINE, "--speed", "9"], "--speed"),
    "unknown learner": ([*SINE, "--learner", "mmal"], "--learner: invalid choice: 'mmal'"),
    "unknown device": ([*SINE, "--device", "tpu"], "--device: invalid choice: 'tpu'"),
    "no shots": ([*SINE, "--shots", "0"], "shots is 0; it must be an integer from 1"),
    "negative shots": ([*SINE, "--shots", "-3"], "shots is -3; it must be"),
    "half a shot": ([*SINE, "--shots", "2.5"], "--shots: invalid int value: '2.5'"),
    "no queries": ([*SINE, "--queries", "0"], "queries is 0; it must be"),
    "no tasks": ([*SINE, "--meta-batch", "0"], "meta_batch is 0; it must be"),
    "negative steps": ([*SINE, "--steps", "-1"], "steps is -1; it must be"),
    "steps in words": ([*SINE, "--steps", "many"], "--steps: invalid int value: 'many'"),
    "negative inner steps": ([*SINE, "--inner-steps", "-1"], "inner_steps is -1; it must be"),
    "adapting oracle": (
        [*SINE, "--learner", "oracle", "--inner-steps", "2"],
        "inner_steps is 2; it must be 0 for the oracle",
    ),
    "first-order joint": (
        [*SINE, "--learner", "joint", "--first-order"],
        "first_order is True; joint, mlp and sine tasks have no such",
    ),
    "inner_lr nan": ([*SINE, "--inner-lr", "nan"], "inner_lr is nan; it must be a finite number"),
    "inner_lr inf": ([*SINE, "--inner-lr", "inf"], "inner_lr is inf; it must be a finite number"),
    "inner_lr negative": (
        [*SINE, "--inner-lr", "-1"],
        "inner_lr is -1.0; it must be a finite number",
    ),
    "meta_lr nan": ([*SINE, "--meta-lr", "nan"], "meta_lr is nan; it must be a finite number"),
    "meta_lr negative": ([*SINE, "--meta-lr", "-0.1"], "meta_lr is -0.1; it must be"),
    "warmup 2": ([*SINE, "--warmup", "2"], "warmup is 2.0; it must be a fraction"),
    "negative seed": ([*SINE, "--seed", "-1"], "seed is -1; it must be"),
    "save never": ([*SINE, "--save-every", "0"], "save_every is 0; it must be"),
    "absurd shots": ([*SINE, "--shots", "999999999999"], "shots is 999999999999; it must be"),
    "absurd batch": ([*SINE, "--meta-batch", "900000"], "meta_batch x (shots + queries) is 13500"),
    "clashing options": (
        [*SINE, "--learned-rates", "--inner-steps", "0"],
        "inner_steps is 0; with",
    ),
    "compile what is not captured": ([*SINE, "--no-capture", "--compile"], "compile is True and"),
    "ways of waves": (["evaluate", "sine-maml", "--way", "5"], "way is 5; sine has no way"),
    "batch-norm of waves": (
        ["evaluate", "sine-maml", "--protocol", "support-only"],
        "protocol is 'support-only'; sine has no protocol",
    ),
    "drawings of waves": (["evaluate", "sine-maml", "--data", "auto"], "--data is for drawings"),
    "evaluate nothing": (["evaluate"], "CHECKPOINT"),
    "evaluate no shots": (["evaluate", "sine-maml", "--shots", "0"], "shots is 0; it must be"),
    "evaluate one task": (["evaluate", "sine-maml", "--n-tasks", "1"], "n_tasks is 1; it must be"),
    "evaluate backwards": (["evaluate", "sine-maml", "--inner-steps", "-1"], "inner_steps is -1"),
}


def refused(arguments: list[str], status: int, capsys) -> str:
    """Run a command that must fail and write nothing; returns its one sentence."""
    before = contents(Path())
    assert main(arguments) == status
    assert contents(Path()) == before
    printed = capsys.readouterr()
    assert printed.out == ""
    (sentence,) = printed.err.splitlines()
    assert sentence.startswith("maml_edu: error: ")
    assert len(sentence) < 800  # it may list all shipped checkpoints
    return sentence


@pytest.mark.parametrize("name", BAD_USAGE)
def test_bad_usage(name, capsys):
    arguments, words = BAD_USAGE[name]
    assert words in refused(arguments, 2, capsys)


@pytest.mark.parametrize("command", [SINE, ["evaluate", "sine-maml"]])
@pytest.mark.parametrize(
    ("device", "seen_by"), [("cuda", "torch.cuda"), ("mps", "torch.backends.mps")]
)
def test_a_device_that_is_absent(command, device, seen_by, capsys, monkeypatch):
    monkeypatch.setattr(f"{seen_by}.is_available", lambda: False)
    sentence = refused([*command, "--device", device], 2, capsys)
    assert f"--device is {device}; PyTorch sees no" in sentence
    assert "use cpu or auto" in sentence


def test_a_device_that_is_there_is_used(capsys, monkeypatch):
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    assert device_of("mps") == "mps"


def test_an_out_that_holds_a_run(capsys):
    assert main(TRAIN) == 0
    capsys.readouterr()
    sentence = refused(TRAIN, 1, capsys)
    assert "runs/sine-maml holds a run already; add --resume to go on, or choose" in sentence


def test_an_out_that_cannot_be_a_folder(folder, capsys):
    (folder / "file").touch()
    assert "out is 'file'; it cannot be" in refused([*TRAIN, "--out", "file"], 1, capsys)
    assert "out is 'file/run'; it cannot be" in refused([*TRAIN, "--out", "file/run"], 1, capsys)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_an_out_that_may_not_be_written(folder, capsys):
    (folder / "locked").mkdir(mode=0o500)
    assert "locked" in refused([*TRAIN, "--out", "locked"], 1, capsys)
    assert "locked" in refused([*TRAIN, "--out", "locked/run"], 1, capsys)


def test_resuming_nothing(capsys):
    sentence = refused([*TRAIN, "--resume"], 1, capsys)
    assert "runs/sine-maml holds no run to resume; leave out --resume" in sentence


def test_resuming_as_another_run(capsys):
    assert main(TRAIN) == 0
    capsys.readouterr()
    sentence = refused([*TRAIN, "--inner-lr", "0.5", "--resume"], 1, capsys)
    assert "inner_lr is 0.01 there and 0.5 here" in sentence
    sentence = refused([*TRAIN, "--steps", "40", "--resume"], 1, capsys)
    assert "run of 30 steps, and --steps is 40" in sentence
    assert "--start runs/sine-maml --out ANOTHER" in sentence


def test_a_run_can_be_lengthened(capsys):
    steady = [*TRAIN, "--schedule", "constant", "--warmup", "0"]
    assert main([*steady, "--out", "a"]) == 0
    assert main([*steady, "--steps", "40", "--out", "a", "--resume"]) == 0
    assert main([*steady, "--steps", "40", "--out", "b"]) == 0
    a, b = (Path(out, "checkpoint.safetensors").read_bytes() for out in "ab")
    assert a == b


def test_another_network_to_start_from(capsys):
    sentence = refused([*TRAIN, "--start", "sine-oracle"], 1, capsys)
    assert "start has (40, 3) for 0.weight; it must be (40, 1), as in this model" in sentence


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda content: content[:-100], "is cut short"),
        (lambda content: content[:4], "is cut short"),
        (lambda content: b"\xff" * 8 + content, "is cut short, damaged or not a safetensors file"),
        (lambda content: b"\x80\x04K\x01.", "not a safetensors file"),
        (lambda content: content[:-1] + b"\x00", "SHA-256 differ"),
    ],
)
def test_evaluating_a_spoilt_checkpoint(folder, capsys, spoil, words):
    for suffix in ("json", "safetensors"):
        shutil.copy(shipped_file(f"sine-maml.{suffix}"), folder)
    file = folder / "sine-maml.safetensors"
    file.write_bytes(spoil(file.read_bytes()))
    assert words in refused(["evaluate", "./sine-maml.safetensors"], 1, capsys)


def test_evaluating_another_models_tensors(folder, capsys):
    shutil.copy(shipped_file("sine-oracle.safetensors"), folder / "mine.safetensors")
    shutil.copy(shipped_file("sine-maml.json"), folder / "mine.json")
    sentence = refused(["evaluate", "mine"], 1, capsys)
    assert "0.weight has the shape (40, 3) instead of (40, 1)" in sentence


def test_evaluating_what_is_not_there(folder, capsys):
    assert "no checkpoint 'nowhere'" in refused(["evaluate", "nowhere"], 1, capsys)
    shutil.copy(shipped_file("sine-maml.json"), folder / "half.json")
    assert "half.safetensors does not exist" in refused(["evaluate", "half"], 1, capsys)


def shipped_file(name: str) -> Path:
    from maml_edu.runs.checkpoint import SHIPPED

    return SHIPPED / name


# --- what goes wrong: what a reader can mend is a sentence, a bug keeps its traceback


class OutOfMemoryError(RuntimeError):
    """As PyTorch's for a GPU, which can be named without one."""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "not enough memory"),
        (OutOfMemoryError("CUDA out of memory"), "not enough memory"),
        (MemoryError(), "not enough memory"),
        (InputError("shots is 0; it must be 1 or more"), "shots is 0; it must be 1 or more"),
        (OSError(28, "No space left on device", "a/file"), "a/file: No space left on device"),
    ],
)
def test_what_a_reader_can_mend_is_one_sentence(capsys, monkeypatch, error, words):
    monkeypatch.setattr("maml_edu.runs.cli.evaluate.load", raising(error))
    assert words in refused(["evaluate", "sine-maml"], 1, capsys)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("shared memory of the kernel is misaligned"),
        RuntimeError("it ran out of memory banks"),
        ValueError("not enough values to unpack"),
        KeyError("0.weight"),
    ],
)
def test_a_bug_keeps_its_traceback(monkeypatch, error):
    monkeypatch.setattr("maml_edu.runs.cli.evaluate.load", raising(error))
    with pytest.raises(type(error)) as caught:
        main(["evaluate", "sine-maml"])
    assert caught.value is error


def raising(error: Exception):
    def fail(*args, **options):
        raise error

    return fail


# --- an option is written once


def test_a_new_option_of_a_learner_is_one_field(capsys, monkeypatch):
    """Its flag, its bounds, its JSON and its way back come from that field alone."""
    monkeypatch.setitem(LEARNERS, "damped", None)  # it is gone again after the test

    @dataclass(frozen=True)
    class Damped(MAML, name="damped"):
        damping: float = option(0.5, fraction, "share of the loss that is left out")

        def task_loss(self, theta, task):
            return (1 - self.damping) * super().task_loss(theta, task)

    train = [*TRAIN, "--learner", "damped", "--steps", "2"]
    assert main(["train", "sine", "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "--damping N share of the loss that is left out (default: 0.5)" in told
    assert "damping is 1.5; it must be a fraction" in refused(
        [*train, "--damping", "1.5"], 2, capsys
    )
    assert "damping is 0.1; maml" in refused([*TRAIN, "--damping", "0.1"], 2, capsys)
    assert main([*train, "--damping", "0.25"]) == 0
    made = load("runs/sine-damped")
    assert made.metadata["config"]["learner"]["damping"] == 0.25
    assert isinstance(made.learner, Damped)
    assert made.learner.damping == 0.25
    with pytest.raises(InputError, match="damping is -1; it must be a fraction"):
        Damped(made.learner.model, damping=-1)
