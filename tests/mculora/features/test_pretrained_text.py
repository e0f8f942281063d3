"""Words on their way into networks: the tokenizer's own tokens, windows, and what is averaged."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import tiny_models
import torch
import transformers

from mculora.errors import InputError
from mculora.features.encoder import EncoderSpec
from mculora.features.extraction import encode_one
from mculora.features.identity import Level
from mculora.features.loading import load_encoder
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.features.pretrained.text import Tokens
from mculora.modality import Modality

TEXT = "we wonderful today like it"  # words of one, two, two, one and one parts


def spec_of(folder, **options):
    return EncoderSpec(Modality.TEXT, str(folder), **{"dtype": "float32", **options})


def encode(spec, transcript=TEXT):
    return encode_one(load_encoder(spec), Observation(transcript=transcript)).outcome


@torch.inference_mode()
def official(folder, text=TEXT):
    """The states of the model's own tokens of a text, special ones and all: (T, D)."""
    tokens = transformers.AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    return transformers.AutoModel.from_pretrained(folder).eval()(tokens["input_ids"])[0][0]


def test_poolings_of_a_text(tiny):
    folder = tiny("bert")
    states, spec = official(folder), spec_of(folder)
    assert len(states) == 9
    parts = [[1], [2, 3], [4, 5], [6], [7]]
    words = torch.stack([states[part].mean(0) for part in parts])
    expected = {"mean": states[1:-1].mean(0), "words": words.mean(0), "first": states[0]}
    for pooling, vector in expected.items():
        torch.testing.assert_close(encode(replace(spec, pooling=pooling)), vector)
    frames = replace(spec, level=Level.FRAME)
    for pooling, sequence in {"mean": states[1:-1], "first": states[1:-1], "words": words}.items():
        torch.testing.assert_close(encode(replace(frames, pooling=pooling)), sequence)


def test_a_level_with_tokens_has_one_identity(tiny):
    spec = spec_of(tiny("bert"), level=Level.FRAME)
    settings = [
        load_encoder(replace(spec, pooling=pooling)).settings["pooling"]
        for pooling in ("mean", "first", "words")
    ]
    assert settings == ["tokens", "tokens", "words"]


@pytest.mark.parametrize("pooling", ["mean", "words", "first"])
def test_long_text_goes_in_windows_and_none_of_it_is_lost(tiny, pooling):
    encoder = load_encoder(spec_of(tiny("bert"), pooling=pooling))
    words = ["like", "it", "not"] * 50
    prepared = encoder.prepare(Observation(transcript=" ".join(words)))
    lengths = [piece.length for piece in prepared.pieces]
    assert lengths == [52, 52, 52]  # as equal as can be: 50 tokens and the two around them
    ids = [piece.inputs["input_ids"].tolist() for piece in prepared.pieces]
    assert all((one[0], one[-1]) == (1, 2) for one in ids)
    spoken = [token for one in ids for token in one[1:-1]]
    assert spoken == [tiny_models.VOCABULARY.index(word) for word in words]
    parts = encoder.encode(prepared.pieces)
    expected = torch.cat([part.states for part in parts]).mean(0)
    torch.testing.assert_close(
        encode(spec_of(tiny("bert"), pooling=pooling), " ".join(words)), expected
    )


@pytest.mark.parametrize(("name", "most"), [("bert", 512), ("roberta", 64), ("mpnet", 64)])
def test_windows_keep_to_the_positions_that_a_model_has(tiny, tmp_path, name, most):
    """A tokenizer often knows no limit; RoBERTa's table of positions begins after its padding."""
    folder = tmp_path / name
    shutil.copytree(tiny(name), folder)
    tiny_models.tokenizer(model_max_length=int(1e30)).save_pretrained(folder)
    encoder = load_encoder(spec_of(folder))
    prepared = encoder.prepare(Observation(transcript="like " * (most - 2)))
    assert [piece.length for piece in prepared.pieces] == [most]
    encoder.encode(prepared.pieces)
    longer = encoder.prepare(Observation(transcript="like " * (most - 1)))
    assert len(longer.pieces) == 2


def test_a_tokenizer_that_would_truncate_and_pad_does_not(tiny, tmp_path):
    """Sentence encoders ship such tokenizers."""
    folder = tmp_path / "sentences"
    shutil.copytree(tiny("bert"), folder)
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    side = {"direction": "Right"}
    content["truncation"] = {**side, "max_length": 8, "strategy": "LongestFirst", "stride": 0}
    content["padding"] = {
        **side,
        "strategy": {"Fixed": 32},
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    path.write_text(json.dumps(content))
    for text in (TEXT, "like it " * 10):
        torch.testing.assert_close(
            encode(spec_of(folder), text), encode(spec_of(tiny("bert")), text)
        )


def test_threads_share_a_tokenizer(tiny):
    encoder = load_encoder(spec_of(tiny("bert"), pooling="words"))
    texts = [" ".join(tiny_models.WORDS[: 1 + n % 7]) * (1 + n % 30) for n in range(400)]

    def ids(text):
        pieces = encoder.prepare(Observation(transcript=text)).pieces
        return [piece.inputs["input_ids"].tolist() for piece in pieces]

    alone = [ids(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ids, texts)) == alone


def test_nothing_is_said_of_long_text(tiny, capfd, recwarn):
    load_encoder(spec_of(tiny("bert"))).prepare(Observation(transcript="like " * 500))
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def test_text_without_words(tiny):
    for transcript, reason in (
        ("[LAUGHTER]", "empty transcript"),
        ("... ?!", "no words in the transcript"),
    ):
        assert encode(spec_of(tiny("bert")), transcript) == Absence(reason)


class SlowTokenizer:
    """What tells no words, and puts nothing before a text."""

    is_fast, pad_token_id, model_max_length = False, 0, 16

    def __call__(self, text, **_):
        return {"input_ids": [5] * len(text)}


@pytest.mark.parametrize(
    ("pooling", "reason"),
    [("words", "whose tokenizer tells no words"), ("first", "that puts no token before a text")],
)
def test_poolings_that_a_tokenizer_has_not(tiny, pooling, reason):
    module = load_encoder(spec_of(tiny("bert")))._network._module
    spec = replace(spec_of("some/model"), pooling=pooling)
    with pytest.raises(
        InputError, match=f"found {pooling} for some/model, {reason}, expected mean"
    ):
        Tokens(spec, SlowTokenizer(), module, can_pad=True, device=torch.device("cpu"))


def test_a_tokenizer_that_meddles(tiny):
    class Meddling(SlowTokenizer):
        def __call__(self, text, **options):
            return {"input_ids": [1, 8, 2] if options.get("add_special_tokens", True) else [7]}

    module = load_encoder(spec_of(tiny("bert")))._network._module
    with pytest.raises(InputError, match="leaves a text's own tokens as they are"):
        spec = spec_of("some/model")
        Tokens(spec, Meddling(), module, can_pad=True, device=torch.device("cpu"))


def save_sentencepiece(folder):
    """Files as DeBERTa v3 has them: `spm.model` and no tokenizer.json."""
    import sentencepiece

    corpus = folder / "corpus"
    corpus.write_text("\n".join(["we like it today", "what a wonderful day this is"] * 20))
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus),
        model_prefix=str(folder / "spm"),
        vocab_size=27,
        minloglevel=2,
        pad_id=0,
        bos_id=1,
        eos_id=2,
        unk_id=3,
        pad_piece="[PAD]",
        bos_piece="[CLS]",
        eos_piece="[SEP]",
        unk_piece="[UNK]",
    )
    for name in ("corpus", "spm.vocab", "tokenizer.json", "special_tokens_map.json"):
        (folder / name).unlink(missing_ok=True)
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false, "vocab_type": "spm"}')


def test_a_sentencepiece_model_alone_is_a_tokenizer(tmp_path):
    folder = tiny_models.save_words(tmp_path / "v3", name="DebertaV2", vocab_size=50)
    folder.joinpath("spm.vocab").touch()
    save_sentencepiece(folder)
    encoder = load_encoder(spec_of(folder, pooling="words"))
    [piece] = encoder.prepare(Observation(transcript="we like a wonderful day")).pieces
    [encoded] = encoder.encode([piece])
    assert torch.isfinite(encoded.states).all()
    frames = load_encoder(spec_of(folder, pooling="words", level=Level.FRAME))
    assert (
        len(frames.encode(frames.prepare(Observation(transcript="we like it")).pieces)[0].states)
        == 3
    )


@pytest.mark.parametrize("name", ["roberta", "deberta"])
def test_byte_level_tokens_know_their_words(tiny, tmp_path, name):
    """Their blank belongs to the word after it; two files make such a tokenizer."""
    from tokenizers import ByteLevelBPETokenizer

    folder = tmp_path / name
    shutil.copytree(tiny(name), folder)
    for path in folder.glob("*token*"):
        path.unlink()
    own = {"roberta": ["<s>", "<pad>", "</s>", "<unk>", "<mask>"], "deberta": tiny_models.SPECIAL}
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(
        ["we like it today", "what a wonderful day this is"] * 9,
        vocab_size=290,
        special_tokens=own[name],
        show_progress=False,
    )
    trained.save_model(str(folder))
    (folder / "tokenizer_config.json").write_text("{}")
    module = transformers.AutoModel.from_pretrained(folder)
    module.resize_token_embeddings(300)
    module.save_pretrained(folder)
    encoder = load_encoder(spec_of(folder, pooling="words", level=Level.FRAME))
    for text in ("we like it", "wonder ful  days", "it"):
        [piece] = encoder.prepare(Observation(transcript=text)).pieces
        assert len(encoder.encode([piece])[0].states) == len(text.split())
