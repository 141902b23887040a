"""Checkpoints: what is saved comes back, and what is wrong is refused in one clear sentence."""

from __future__ import annotations

import json
import os
import pickle
import struct
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from maml_edu.foundation.files import FileError
from maml_edu.learners import MAML, Joint
from maml_edu.models import mlp
from maml_edu.runs import checkpoint as checkpoints
from maml_edu.runs.checkpoint import METADATA, load, save, shipped
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.measure import Measurement, describe, measure

CONFIG = TrainConfig.make("sine", inner_lr=0.02, inner_steps=3, steps=7)


@pytest.fixture
def theta():
    return CONFIG.make_model().init(generator=torch.Generator().manual_seed(1))


@pytest.fixture
def metadata():
    return {
        **describe(CONFIG, CONFIG.make_tasks()),
        "command": "a test",
        "figures": {},
        "seconds": 0.1,
        "cpu_seconds": 0.1,
    }


@pytest.fixture
def pair(tmp_path, theta, metadata):
    """A good checkpoint, as a path without suffix."""
    save(tmp_path / "one", theta, metadata)
    return tmp_path / "one"


def test_what_is_saved_comes_back(pair, theta, metadata):
    loaded = load(pair)
    assert {n: p.tolist() for n, p in loaded.theta.items()} == {
        n: p.tolist() for n, p in theta.items()
    }
    assert list(loaded.theta) == list(theta)
    assert {key: loaded.metadata[key] for key in metadata} == metadata
    assert type(loaded.learner) is MAML
    assert (loaded.learner.inner_lr, loaded.learner.inner_steps) == (0.02, 3)
    assert loaded.config == CONFIG
    x = torch.linspace(-5, 5, 9)[:, None]
    assert torch.equal(loaded.learner.predict(loaded.theta, x), mlp(1, 40, 40, 1)(theta, x))


def test_either_file_or_neither_suffix_or_the_folder_names_it(pair, theta, metadata):
    save(pair.parent / checkpoints.IN_A_RUN, theta, metadata)
    for name in (pair, f"{pair}.safetensors", f"{pair}.json", pair.parent):
        assert load(name).config == CONFIG


def test_saving_leaves_two_files_and_nothing_else(pair):
    assert sorted(os.listdir(pair.parent)) == ["one.json", "one.safetensors"]


def test_a_failed_save_keeps_the_old_pair(pair, theta, metadata, monkeypatch):
    before = {p: p.read_bytes() for p in pair.parent.iterdir()}

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save(pair, {name: p + 1 for name, p in theta.items()}, metadata)
    assert {p: p.read_bytes() for p in pair.parent.iterdir()} == before


@pytest.mark.parametrize("key", METADATA)
def test_metadata_without_a_required_key_is_neither_saved_nor_loaded(
    pair, theta, metadata, key, tmp_path
):
    del metadata[key]
    with pytest.raises(FileError, match=f"its {key} is missing"):
        save(tmp_path / "two", theta, metadata)
    assert not list(tmp_path.glob("two*"))
    edit(pair, lambda words: words.pop(key))
    with pytest.raises(FileError, match=f"its {key} is missing"):
        load(pair)


def test_a_theta_that_is_not_finite_is_not_saved(theta, metadata, tmp_path):
    theta["0.bias"][3] = float("inf")
    with pytest.raises(FileError, match="0.bias that are not finite"):
        save(tmp_path / "two", theta, metadata)
    assert not list(tmp_path.iterdir())


# --- what the package ships


@pytest.mark.parametrize(
    "name",
    [
        "sine-oracle",
        *(pytest.param(f"sine-{name}", marks=pytest.mark.slow) for name in ("maml", "joint")),
    ],
)
def test_shipped_checkpoints_are_what_their_metadata_says(name):
    assert name in shipped()
    loaded = load(name)
    assert loaded.metadata["command"].startswith("python -m maml_edu train sine")
    assert set(METADATA) <= set(loaded.metadata)
    told = loaded.metadata["figures"]
    how = told["protocol"]
    how = Measurement(how["tasks"], shots=how["shots"], seed=how["seed"])
    measured = measure(loaded.config, loaded.theta, how)
    assert told["protocol"] == measured["protocol"]
    for was, now in zip(told["by_inner_step"], measured["by_inner_step"], strict=True):
        assert now["mean"] == pytest.approx(was["mean"], rel=1e-3, abs=1e-5)
        assert now["half_width"] == pytest.approx(was["half_width"], rel=1e-2, abs=1e-5)


def with_defaults(config):
    """A config as it is read today: options of the training that came later have their defaults."""
    later = {"optimiser": "adam", "momentum": 0.0, "weight_decay": 0.0, "clip": None}
    return {**config, "training": {**later, **config["training"]}}


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_checkpoint_loads_and_its_config_is_kept(name):
    loaded = load(name)
    assert {n: tuple(p.shape) for n, p in loaded.theta.items()} == loaded.learner.shapes()
    assert loaded.config.as_json() == with_defaults(loaded.metadata["config"])


def configs_in(value, place=""):
    """Every config in some JSON, with where it is."""
    if isinstance(value, dict) and {"learner", "model", "tasks", "training"} <= set(value):
        yield place, value
    elif isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in items:
            yield from configs_in(each, f"{place}/{key}")


RESULTS = Path(__file__).parents[2] / "results"


@pytest.mark.parametrize("name", ["sine", "omniglot", "family", "bench_sine", "bench_omniglot"])
def test_every_config_in_the_results_is_one(name):
    found = list(configs_in(json.loads((RESULTS / f"{name}.json").read_text())))
    assert found
    for place, given in found:
        assert TrainConfig.from_json(given).as_json() == with_defaults(given), place


def test_shipped_learners_are_of_the_kinds_they_are_named_for():
    assert type(load("sine-maml").learner) is MAML
    assert type(load("sine-joint").learner) is Joint
    oracle = load("sine-oracle")
    assert oracle.config.title == "oracle"
    assert oracle.tasks.reveal_task
    assert oracle.theta["0.weight"].shape == (40, 3)


# --- what is wrong


def edit(pair, change):
    path = pair.with_suffix(".json")
    words = json.loads(path.read_text())
    change(words)
    path.write_text(json.dumps(words))


def replace_tensors(pair, content: bytes):
    """Other bytes, with a metadata that vouches for them: the checks must hold without the hash."""
    pair.with_suffix(".safetensors").write_bytes(content)
    edit(pair, lambda words: words.update(sha256=sha256(content).hexdigest()))


def with_tensors(pair, change):
    path = pair.with_suffix(".safetensors")
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    replace_tensors(pair, path.read_bytes())


def header(words: dict, data: bytes = b"", length: int | None = None) -> bytes:
    text = json.dumps(words).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


class Exploit:
    def __reduce__(self):
        return (os.mkdir, ("exploited",))


HUGE = {"0.weight": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 2**62]}}
WRONG_TENSORS = {
    "empty": (b"", "cut short"),
    "not safetensors": (b"hello, I am no safetensors file", "not a safetensors file"),
    "a length that begins as a pickle": (
        header({}, length=0x80),
        "not a safetensors file",
    ),
    "a header longer than the file": (header({}, length=2**63), "not a safetensors file"),
    "a header of 99 MB": (header({}, length=99_000_000), "not a safetensors file"),
    "tensors larger than the file": (header(HUGE), "not a safetensors file"),
    "a header that is no JSON": (struct.pack("<Q", 4) + b"[[[[", "not a safetensors file"),
    "a nested header": (struct.pack("<Q", 50_000) + b"[" * 50_000, "not a safetensors file"),
    "no tensors": (header({}), "it lacks 0.bias"),
    "a pickle": (pickle.dumps(Exploit()), "not a safetensors file"),
}


@pytest.mark.parametrize("name", WRONG_TENSORS)
def test_wrong_bytes_are_refused(pair, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content, words = WRONG_TENSORS[name]
    replace_tensors(pair, content)
    with pytest.raises(FileError, match=words) as caught:
        load(pair)
    assert "one.safetensors" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "exploited").exists()


def test_a_torch_pickle_renamed_is_refused(pair, theta):
    torch.save(theta, pair.with_suffix(".pt"))
    replace_tensors(pair, pair.with_suffix(".pt").read_bytes())
    with pytest.raises(FileError, match="not a safetensors file"):
        load(pair)


@pytest.mark.parametrize("kept", [1, 7, 8, 200, -1])
def test_a_truncated_file_is_refused(pair, kept):
    replace_tensors(pair, pair.with_suffix(".safetensors").read_bytes()[:kept])
    with pytest.raises(FileError, match="cut short"):
        load(pair)


CHANGED_TENSORS = {
    "another size": (
        lambda t: t.update({"2.weight": torch.zeros(30, 40)}),
        r"2.weight has the shape \(30, 40\) instead of \(40, 40\)",
    ),
    "one missing": (lambda t: t.pop("4.bias"), "it lacks 4.bias"),
    "one too many": (lambda t: t.update(extra=torch.zeros(1)), "it has extra"),
    "nan": (lambda t: t["0.bias"].fill_(float("nan")), "0.bias that are not finite"),
    "inf": (lambda t: t["4.weight"].fill_(float("inf")), "4.weight that are not finite"),
    "float64": (
        lambda t: t.update({"0.bias": t["0.bias"].double()}),
        "0.bias as torch.float64 instead of torch.float32",
    ),
    "bfloat16": (lambda t: t.update({"0.bias": t["0.bias"].bfloat16()}), "as torch.bfloat16"),
}


@pytest.mark.parametrize("name", CHANGED_TENSORS)
def test_other_tensors_than_the_models_are_refused(pair, name):
    change, words = CHANGED_TENSORS[name]
    with_tensors(pair, change)
    with pytest.raises(FileError, match=words):
        load(pair)


def set_in(*keys_and_value):
    *keys, last, value = keys_and_value

    def change(metadata):
        for key in keys:
            metadata = metadata[key]
        metadata[last] = value

    return change


def config(*keys_and_value):
    return set_in("config", *keys_and_value)


def sizes(*value):
    return config("model", "hidden", *value)


WRONG_WORDS = {
    "unknown learner": (config("learner", "name", "os.system"), "learner is 'os.system'"),
    "learner is a list": (config("learner", []), r"learner is \[\]"),
    "learner's name is a list": (config("learner", "name", []), r"learner is \[\]"),
    "unknown model": (config("model", "name", "resnet"), "model is 'resnet'"),
    "unknown tasks": (config("tasks", "name", "__import__"), "tasks is '__import__'"),
    "absurd size": (sizes([10**12]), r"hidden is \[10000.*each from 1 to 100,000"),
    "no layers": (sizes([]), r"hidden is \[\]"),
    "absurd depth": (sizes([1] * 1000), "1 to 20 layer sizes"),
    "size as text": (sizes(["40"]), r"hidden is \['40'\]"),
    "size as a flag": (sizes([True]), r"hidden is \[True\]"),
    "negative size": (sizes([-4]), r"hidden is \[-4\]"),
    "a learner of other tasks": (config("learner", {"name": "protonet"}), "for sine tasks"),
    "a model of other tasks": (config("model", {"name": "conv4"}), "for sine tasks"),
    "options that clash": (
        config("learner", {"name": "maml", "inner_steps": 0, "learned_rates": True}),
        "inner_steps is 0; with learned_rates",
    ),
    "a rate as text": (config("learner", "inner_lr", "0.01"), "inner_lr is '0.01'"),
    "a rate beyond floats": (config("learner", "inner_lr", 10**400), "inner_lr is 1000"),
    "absurd inner steps": (
        config("learner", "inner_steps", 10**9),
        "inner_steps is 10000",
    ),
    "an unknown key": (config("learner", "hook", "x"), "option of learner maml is 'hook'"),
    "a range upside down": (
        config("tasks", "amplitude", [5, 1]),
        r"amplitude is \[5, 1\]",
    ),
    "steps as a number": (config("training", "steps", 7.0), "steps is 7.0"),
    "training is null": (config("training", None), "training is None"),
    "config without parts": (set_in("config", {}), "config is {}"),
    "config is a list": (set_in("config", []), r"config is \[\]"),
    "other format": (
        set_in("format", "maml_edu checkpoint 99"),
        "not the metadata of",
    ),
    "other hash": (set_in("sha256", "0" * 64), "SHA-256 differ"),
    "no hash": (lambda words: words.pop("sha256"), "SHA-256 differ"),
}


@pytest.mark.parametrize("name", WRONG_WORDS)
def test_metadata_that_cannot_be_right_is_refused(pair, name):
    change, words = WRONG_WORDS[name]
    edit(pair, change)
    with pytest.raises(FileError, match=words) as caught:
        load(pair)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


WRONG_JSON = {
    "empty": (b"", "valid JSON"),
    "cut short": (b'{"config": {', "valid JSON"),
    "a list": (b"[]", "does not hold a JSON object"),
    "not text": (b"\xff\xfe\x00\x01", "valid JSON"),
    "nested too deep": (b"[" * 200_000, "valid JSON"),
    "too large": (b" " * (2**20 + 1), "more than the 1,048,576 bytes"),
}


@pytest.mark.parametrize("name", WRONG_JSON)
def test_metadata_that_is_no_json_object_is_refused(pair, name):
    content, words = WRONG_JSON[name]
    pair.with_suffix(".json").write_bytes(content)
    with pytest.raises(FileError, match=words):
        load(pair)


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
def test_half_a_pair_is_refused(pair, suffix):
    pair.with_suffix(suffix).unlink()
    with pytest.raises(FileError, match=f"one{suffix} does not exist"):
        load(pair)


def test_a_pair_that_does_not_belong_together_is_refused(pair, theta, metadata):
    save(pair.parent / "two", {name: p + 1 for name, p in theta.items()}, metadata)
    os.replace(pair.parent / "two.safetensors", f"{pair}.safetensors")
    with pytest.raises(FileError, match="SHA-256 differ"):
        load(pair)


def test_what_is_not_there_is_refused_with_the_names_that_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError, match="no checkpoint 'sine-mmal'.*sine-joint, sine-maml"):
        load("sine-mmal")
    with pytest.raises(FileError, match=r"checkpoint\.json does not exist"):
        load(tmp_path)
    (tmp_path / "one.json").mkdir()
    with pytest.raises(FileError, match="one.json cannot be read: Is a directory"):
        load("one")


AUDITED = """
import sys
from maml_edu.runs.checkpoint import FileError, load

load(sys.argv[1])  # what Python imports and compiles on first use is not the checkpoint's doing
seen = []
watched = ("exec", "compile", "import", "pickle.find_class", "os.system", "os.exec",
           "subprocess.Popen", "ctypes.dlopen", "os.mkdir", "os.remove", "os.rename")
sys.addaudithook(lambda event, args: seen.append((event, args)) if event in watched else None)
load(sys.argv[1])
for wrong in sys.argv[2:]:
    try:
        load(wrong)
    except FileError:
        pass
    else:
        sys.exit(f"{wrong} was loaded")
sys.exit(f"ran {seen}" if seen else 0)
"""


@pytest.mark.slow
def test_loading_runs_no_code(pair, theta, metadata):
    """Watched by an audit hook: nothing is executed, compiled, imported or unpickled."""
    for name in ("pickled", "named"):
        save(pair.parent / name, theta, metadata)
    replace_tensors(pair.parent / "pickled", pickle.dumps(Exploit()))
    edit(pair.parent / "named", set_in("config", "learner", "name", "os.system"))
    arguments = [str(pair), str(pair.parent / "pickled"), str(pair.parent / "named")]
    done = subprocess.run(
        [sys.executable, "-c", AUDITED, *arguments], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
