"""Published weights that will not do are refused in a line, and nothing in their folder is run."""

import errno
import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from tokenizers import AddedToken, Tokenizer

from orchestrator import decoder
from orchestrator.catalogue import Catalogue
from orchestrator.octopus import loading
from orchestrator.octopus.folder import SUMS, UnfitWeights, inspected
from orchestrator.octopus.loading import found, lacking, load
from orchestrator.octopus.manifest import WEIGHTS
from orchestrator.settings import Model
from tests import gemmakit

Spoil = Callable[[Path], object]
MODEL, PIECES = "model.safetensors", "tokenizer.json"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gemmakit.random_weights(
        tmp_path_factory.mktemp("good"), hidden_size=16, head_dim=8, num_hidden_layers=1
    )


@pytest.fixture
def folder(good: Path, tmp_path: Path) -> Path:
    """One that will do, to be spoiled."""
    made = tmp_path / "weights"
    made.mkdir()
    for file in good.iterdir():
        (made / file.name).symlink_to(file)
    return made


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """Loading sets how many there are for all."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def _replaced(name: str, content: bytes | str) -> Spoil:
    def replace(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    return replace


def _gone(name: str) -> Spoil:
    return lambda folder: (folder / name).unlink()


def _configured(**values: Any) -> Spoil:
    def configure(folder: Path) -> None:
        told = json.loads((folder / "config.json").read_bytes()) | values
        _replaced("config.json", json.dumps(told))(folder)

    return configure


def _one_line(caught: pytest.ExceptionInfo[UnfitWeights], named: str) -> None:
    said = str(caught.value)
    assert named in said
    assert "\n" not in said
    assert caught.value.code == "weights"


def test_a_good_folder_is_known_without_loading_it(folder: Path) -> None:
    told = inspected(folder)
    assert told.path == folder
    assert told.tokens == frozenset(range(gemmakit.FUNCTIONS))
    assert told.size == (folder / MODEL).stat().st_size


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for path in (tmp_path / "nowhere", file):
        with pytest.raises(UnfitWeights, match="is no folder") as caught:
            found(str(path))
        _one_line(caught, str(path))


def test_a_folder_that_may_not_be_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, **_: object) -> None:  # root may enter every folder
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "stat", refuse)
        with pytest.raises(UnfitWeights) as caught:
            found(str(tmp_path))
    _one_line(caught, f"{tmp_path}: Permission denied")


def test_a_path_that_is_too_long() -> None:
    with pytest.raises(UnfitWeights, match="too long") as caught:
        found("/" + "x" * 5_000)
    _one_line(caught, "model.url")


def test_a_home_that_nobody_has() -> None:
    with pytest.raises(UnfitWeights, match="nobody") as caught:
        found("~no-such-person/weights")
    _one_line(caught, "~no-such-person/weights")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_gone("config.json"), "config.json cannot be read"),
        (_replaced("config.json", "{"), "config.json cannot be read"),
        (_replaced("config.json", b"\xff\xfe"), "config.json cannot be read"),
        (_replaced("config.json", "[]"), "config.json cannot be read"),
        (_replaced("config.json", "[" * 100_000), "config.json cannot be read"),
        (_replaced("config.json", "{}"), "holds None; GemmaForCausalLM is what can be run"),
        (_configured(architectures=["LlamaForCausalLM"]), r"holds \['LlamaForCausalLM'\]"),
        (_configured(auto_map={"AutoModel": "code.Model"}), "wants code of its own to be run"),
        (_configured(quantization_config={"quant_method": "gptq"}), "holds quantized weights"),
        (_gone(MODEL), r"there are no \*\.safetensors$"),
        (_gone(PIECES), "tokenizer.json cannot be read"),
        (_replaced(PIECES, "{"), "tokenizer.json cannot be read"),
        (_replaced(PIECES, "{}"), "tokenizer.json cannot be read"),
        (_replaced(PIECES, b"\xff\n\xfe"), "tokenizer.json cannot be read"),
    ],
)
def test_what_is_wrong_is_seen_beforehand(folder: Path, spoil: Spoil, said: str) -> None:
    spoil(folder)
    with pytest.raises(UnfitWeights, match=said) as caught:
        inspected(folder)
    _one_line(caught, str(folder))


@pytest.mark.parametrize("tokens", [[], ["<nexa_end>"], ["<nexa_0>", "<nexa_1>"]])
def test_a_tokenizer_of_other_weights(folder: Path, tokens: list[str]) -> None:
    pieces = Tokenizer.from_str(json.dumps(_without_added(folder)))
    pieces.add_special_tokens([AddedToken(name, special=True) for name in tokens])
    _replaced(PIECES, pieces.to_str())(folder)
    with pytest.raises(UnfitWeights, match="knows no functional tokens") as caught:
        inspected(folder)
    _one_line(caught, PIECES)


def _without_added(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / PIECES).read_bytes())
    return told | {"added_tokens": []}


class Trap:
    """Makes a file as soon as it is unpickled."""

    def __init__(self, sprung: Path) -> None:
        self._sprung = sprung

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.mkdir, (str(self._sprung),)


PICKLED = ["pytorch_model.bin", "model.pt", "model.pth", "weights.pkl"]


@pytest.mark.parametrize("name", PICKLED)
def test_pickled_weights_are_refused_by_name(folder: Path, name: str, tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    (folder / MODEL).unlink()
    (folder / name).write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(UnfitWeights, match=f"{name} is pickled") as caught:
        found(str(folder))
    _one_line(caught, str(folder))
    assert not sprung.exists()


def test_pickled_weights_beside_others_are_not_opened(
    folder: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    sprung = tmp_path / "sprung"
    for name in PICKLED:
        (folder / name).write_bytes(pickle.dumps(Trap(sprung)))
    load(Model(url=str(folder)), catalogue, WEIGHTS)
    assert not sprung.exists()
    pickle.loads((folder / name).read_bytes())
    assert sprung.exists()  # so the trap is one


def test_code_in_the_folder_is_never_run(
    folder: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    sprung = tmp_path / "sprung"
    code = f"import pathlib; pathlib.Path({str(sprung)!r}).touch()"
    for name in ("modeling_gemma.py", "configuration_gemma.py", "code.py", "__init__.py",
                 "tokenizer.py", "custom_generate.py"):  # fmt: skip
        (folder / name).write_text(code)
    load(Model(url=str(folder)), catalogue, WEIGHTS)
    _configured(auto_map={"AutoModelForCausalLM": "modeling_gemma.Gemma"})(folder)
    with pytest.raises(UnfitWeights, match="auto_map"):
        load(Model(url=str(folder)), catalogue, WEIGHTS)
    assert not sprung.exists()


def _sums(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != SUMS)
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }


def _write_sums(folder: Path, sums: dict[str, str], mark: str = " ") -> None:
    lines = [f"{digest} {mark}{name}\n" for name, digest in sums.items()]
    (folder / SUMS).write_text("".join(lines))


@pytest.mark.parametrize("mark", [" ", "*"])
def test_files_with_their_hashes_will_do(folder: Path, mark: str) -> None:
    (folder / "notes").mkdir()
    (folder / "notes" / "read.me").write_text("hello")
    _write_sums(folder, _sums(folder), mark)
    assert inspected(folder)


def test_sha256sum_names_no_hidden_files_and_sometimes_its_own(folder: Path) -> None:
    sums = _sums(folder) | {SUMS: hashlib.sha256(b"").hexdigest()}
    (folder / ".gitattributes").touch()
    _write_sums(folder, sums)
    assert inspected(folder)


@pytest.mark.parametrize("name", [MODEL, PIECES, "config.json"])
def test_an_altered_file_is_named(folder: Path, name: str) -> None:
    _write_sums(folder, _sums(folder))
    _replaced(name, (folder / name).read_bytes() + b" ")(folder)
    with pytest.raises(UnfitWeights, match="was altered") as caught:
        inspected(folder)
    _one_line(caught, str(folder / name))


def test_an_altered_file_in_a_subfolder_is_named(folder: Path) -> None:
    (folder / "notes").mkdir()
    (folder / "notes" / "read.me").write_text("hello")
    _write_sums(folder, _sums(folder))
    (folder / "notes" / "read.me").write_text("goodbye")
    with pytest.raises(UnfitWeights, match="was altered") as caught:
        inspected(folder)
    _one_line(caught, "notes/read.me")


def test_a_file_that_has_no_hash_is_named(folder: Path) -> None:
    _write_sums(folder, _sums(folder))
    (folder / "more.safetensors").touch()
    with pytest.raises(UnfitWeights, match=f"is not named in {SUMS}") as caught:
        inspected(folder)
    _one_line(caught, "more.safetensors")


@pytest.mark.parametrize("name", ["gone.safetensors", "notes/gone", "notes", "/dev/zero", "\0"])
def test_a_hash_that_has_no_file_is_named(folder: Path, name: str) -> None:
    (folder / "notes").mkdir()
    _write_sums(folder, _sums(folder) | {name: "0" * 64})
    with pytest.raises(UnfitWeights, match="is not there") as caught:
        inspected(folder)
    _one_line(caught, name)


@pytest.mark.parametrize("garbage", [b"garbage\n", b"\xff\xfe\x00", b"0" * 64 + b"\n"])
def test_hashes_that_are_none(folder: Path, garbage: bytes) -> None:
    (folder / SUMS).write_bytes(garbage)
    with pytest.raises(UnfitWeights, match="is not what sha256sum writes") as caught:
        inspected(folder)
    _one_line(caught, str(folder / SUMS))


def _cut(count: int) -> Spoil:
    def cut(folder: Path) -> None:
        _replaced(MODEL, (folder / MODEL).read_bytes()[:count])(folder)

    return cut


def _renamed(folder: Path) -> None:
    (folder / MODEL).rename(folder / "other.safetensors")


def _in_parts(index: str) -> Spoil:
    def part(folder: Path) -> None:
        (folder / MODEL).rename(folder / "model-1.safetensors")
        (folder / "model.safetensors.index.json").write_text(index)

    return part


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_cut(0), "cannot be loaded"),
        (_cut(50), "cannot be loaded"),
        (_cut(-1000), "cannot be loaded"),
        (_renamed, "cannot be loaded"),
        (_in_parts("{"), "cannot be loaded"),
        (_in_parts('{"metadata": {}, "weight_map": {"a": "gone.safetensors"}}'), "gone"),
        (_configured(hidden_size=32), r"is \[.*16\], and config.json says \[.*32\]"),
        (_configured(vocab_size=256_000), r"embed_tokens.weight is \[256022, 16\]"),
        (_configured(num_attention_heads=8), "self_attn.+ is .+, and config.json says"),
        (_configured(num_hidden_layers=2), "model.layers.1.+ is missing"),
        (_configured(num_hidden_layers=0), "model.layers.0.+ has no place"),
        (_configured(tie_word_embeddings=False), "lm_head.weight is missing"),
        (_configured(hidden_size="x"), "hidden_size"),
        (_configured(hidden_size=-1), "cannot be loaded"),
    ],
)
def test_weights_that_cannot_be_loaded(
    folder: Path,
    spoil: Spoil,
    said: str,
    catalogue: Catalogue,
    capfd: pytest.CaptureFixture[str],
) -> None:
    spoil(folder)
    with pytest.raises(UnfitWeights, match=said) as caught:
        load(Model(url=str(folder)), catalogue, WEIGHTS)
    _one_line(caught, str(folder))
    assert capfd.readouterr() == ("", "")


def test_too_little_memory_is_told_with_both_figures(
    folder: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_free_memory", lambda: 3 << 28)
    with pytest.raises(UnfitWeights, match=r"needs 1\.0 GiB of memory and 0\.8 are free") as caught:
        load(Model(url=str(folder)), catalogue, WEIGHTS)
    _one_line(caught, str(folder))
    assert not lacking(inspected(folder), "bf16")  # which needs no room for packing


def test_a_good_folder_decodes(
    folder: Path, catalogue: Catalogue, capfd: pytest.CaptureFixture[str]
) -> None:
    engine = load(Model(url=str(folder), parallel=True), catalogue, WEIGHTS)
    assert capfd.readouterr() == ("", "")  # no progress bars
    for told in engine.decode_all(["take a photo", "function " * 210]):  # the draft reads 200
        assert decoder.read(told.text, catalogue)
        assert told.model == str(folder)


LOOK = """
import socket, sys

def refuse(*_, **__):
    print("the network was tried", flush=True)
    raise OSError("no network")

socket.getaddrinfo = socket.socket.connect = refuse
from orchestrator.octopus.folder import UnfitWeights
from orchestrator.octopus.loading import found
try:
    print(found(sys.argv[1]).path)
except UnfitWeights as error:
    print(error)
"""


def _look(url: str, home: Path, **environment: str) -> str:
    """What is found in a new process: the hub's library reads its environment once."""
    told = subprocess.run(
        [sys.executable, "-c", LOOK, url], capture_output=True, text=True, check=True,
        env={**os.environ, "HF_HOME": str(home), **environment},
    )  # fmt: skip
    return told.stdout


@pytest.mark.parametrize("name", ["hf:nobody/nothing", "hf:nobody/nothing@v1", "hf:a--b/c"])
def test_a_name_that_is_not_in_the_cache_without_internet(name: str, tmp_path: Path) -> None:
    told = _look(name, tmp_path, HF_HUB_OFFLINE="1")
    assert told.startswith(f"{name} cannot be had: ")
    assert told.endswith(" (or download it elsewhere and name its folder)\n")
    assert told.count("\n") == 1


def test_a_name_whose_server_cannot_be_reached(tmp_path: Path) -> None:
    tried, *told = _look("hf:nobody/nothing", tmp_path, HF_HUB_OFFLINE="0").splitlines()
    assert tried == "the network was tried"
    assert told[-1].startswith("hf:nobody/nothing cannot be had: ")
    assert set(told[:-1]) <= {tried}


def test_a_name_that_is_in_the_cache_needs_no_internet(good: Path, tmp_path: Path) -> None:
    revision = "0" * 40
    repository = tmp_path / "hub" / "models--somebody--something"
    snapshot = repository / "snapshots" / revision
    shutil.copytree(good, snapshot)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(revision)
    assert _look("hf:somebody/something", tmp_path, HF_HUB_OFFLINE="0") == f"{snapshot}\n"


@pytest.mark.parametrize(
    "url",
    [
        "embedded:", "hf:NexaAIDev/Octopus-v2", "hf:a/b@v1.0", "/weights", "~/weights",
        "http://localhost:8000/v1", "https://host/v1",
    ],
)  # fmt: skip
def test_where_a_model_may_be(url: str) -> None:
    assert Model(url=url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "", "embedded", "weights", "./weights", "hf:", "hf:NexaAIDev", "hf:a/b/c", "hf:a/b@",
        "hf:../b\n", "http://", "http:///v1", "ftp://host/v1", "file:///weights",
        "https://person:secret@host/v1",
    ],
)  # fmt: skip
def test_where_a_model_cannot_be(url: str) -> None:
    with pytest.raises(ValidationError, match="must be embedded:"):
        Model(url=url)


@pytest.mark.parametrize("prompt", ["Query:", "{query} {query}", "{ query }", "{0}"])
def test_a_prompt_has_one_place_for_the_sentence(prompt: str) -> None:
    with pytest.raises(ValidationError, match=r"must hold \{query\} once"):
        Model(prompt=prompt)
    assert Model(prompt="Do: {query}\n").prompt == "Do: {query}\n"


@pytest.mark.parametrize("name", ["deadline", "timeout"])
def test_there_is_an_end_to_waiting(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Model.model_validate({name: float("inf")})
