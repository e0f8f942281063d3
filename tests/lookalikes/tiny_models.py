"""Tiny random models of every family, saved as their owners save theirs: network and processor."""

from functools import partial

import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WIDTH, LAYERS, SIDE, RATE = 32, 3, 32, 16_000
SIZES = {
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "intermediate_size": 48,
}
WORDS = ["i", "like", "it", "not", "to", "day", "wonder", "ful", "what", "a", "is", "this", "we"]
SPECIAL = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
VOCABULARY = [*SPECIAL, *WORDS, *(f"##{word}" for word in WORDS)]


def save(folder, model, processor, **options):
    """As `save_pretrained` does, with weights that matter: a fresh model's are near nothing."""
    with torch.no_grad():
        for number, weights in enumerate(model.parameters()):
            generator = torch.Generator().manual_seed(number)
            noise = torch.randn(weights.shape, generator=generator)
            if weights.dim() > 1:
                weights.copy_(noise / weights[0].numel() ** 0.5)
            else:
                weights.add_(0.1 * noise)
    model.save_pretrained(folder, **options)
    processor.save_pretrained(folder)
    return folder


def tokenizer(**options):
    """Words in whole or in parts, between [CLS] and [SEP]."""
    backend = Tokenizer(
        models.WordPiece({word: i for i, word in enumerate(VOCABULARY)}, unk_token="[UNK]")
    )
    backend.normalizer = normalizers.BertNormalizer()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    names = {"pad": "[PAD]", "cls": "[CLS]", "sep": "[SEP]", "unk": "[UNK]", "mask": "[MASK]"}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        **{f"{name}_token": token for name, token in names.items()},
        **{"model_max_length": 64, **options},
    )


def save_waves(folder, *, name, norm="group", is_stable=False, **options):
    """A network on waveforms: one moment per 80 samples, of at least 85."""
    convolutions = {
        "conv_dim": (16, 16, 16),
        "conv_kernel": (10, 4, 4),
        "conv_stride": (5, 4, 4),
        "num_feat_extract_layers": 3,
        "num_conv_pos_embeddings": 8,
        "num_conv_pos_embedding_groups": 4,
    }
    if name != "Data2VecAudio":
        convolutions |= {"feat_extract_norm": norm, "do_stable_layer_norm": is_stable}
    config = getattr(transformers, f"{name}Config")(**{**SIZES, **convolutions, **options})
    extractor = transformers.Wav2Vec2FeatureExtractor(return_attention_mask=norm == "layer")
    return save(folder, getattr(transformers, f"{name}Model")(config), extractor)


def save_whisper(folder, *, kind="WhisperForConditionalGeneration", seconds=1):
    """Whisper, decoder and all; it hears one second instead of 30."""
    config = transformers.WhisperConfig(
        d_model=WIDTH,
        encoder_layers=LAYERS,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=48,
        decoder_ffn_dim=48,
        num_mel_bins=16,
        max_source_positions=50 * seconds,
        vocab_size=50,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=3,
    )
    extractor = transformers.WhisperFeatureExtractor(feature_size=16, chunk_length=seconds)
    return save(folder, getattr(transformers, kind)(config), extractor)


def save_words(folder, *, name, max_length=64, **options):
    """A network on tokens."""
    sizes = SIZES | {"vocab_size": len(VOCABULARY), "pad_token_id": 0, "type_vocab_size": 1}
    if name == "DistilBert":
        sizes = {"dim": WIDTH, "n_layers": LAYERS, "n_heads": 4, "hidden_dim": 48}
        sizes |= {"vocab_size": len(VOCABULARY)}
    if name == "T5":
        sizes = {"d_model": WIDTH, "d_ff": 48, "d_kv": 8, "num_layers": LAYERS, "num_heads": 4}
        sizes |= {"vocab_size": len(VOCABULARY)}
    config = getattr(transformers, f"{name}Config")(**{**sizes, **options})
    network = getattr(transformers, f"{name}Model")(config)
    return save(folder, network, tokenizer(model_max_length=max_length))


def save_pictures(folder, *, name, processor="ViT", kind="Model", **options):
    """A network on pictures of 32 x 32 in patches of 8 x 8."""
    sizes = SIZES | {"image_size": SIDE, "patch_size": 8}
    config = getattr(transformers, f"{name}Config")(**{**sizes, **options})
    whole = crop = {"height": SIDE, "width": SIDE}
    if name == "DeiT":  # sees the middle of what is resized
        whole = {"height": 36, "width": 36}
    make = getattr(transformers, f"{processor}ImageProcessor")
    shapes = {"size": whole, "crop_size": crop}
    return save(folder, getattr(transformers, name + kind)(config), make(**shapes))


def save_two_towers(folder, *, name):
    """CLIP or SigLIP: the part that sees beside one that reads."""
    parts = {f"{name}{part}Config": SIZES for part in ("Text", "Vision")}
    text, vision = (getattr(transformers, part)(**sizes) for part, sizes in parts.items())
    text.vocab_size, text.max_position_embeddings = 50, 16
    vision.image_size, vision.patch_size = SIDE, 8
    if name == "Siglip2":
        vision.num_patches = 16
        make = transformers.Siglip2ImageProcessor(patch_size=8, max_num_patches=19)
    else:
        size = {"shortest_edge": SIDE} if name == "CLIP" else {"height": SIDE, "width": SIDE}
        options = {"crop_size": {"height": SIDE, "width": SIDE}} if name == "CLIP" else {}
        make = getattr(transformers, f"{name}ImageProcessor")(size=size, **options)
    config = getattr(transformers, f"{name}Config")(
        text_config=text.to_dict(), vision_config=vision.to_dict()
    )
    return save(folder, getattr(transformers, f"{name}Model")(config), make)


def save_video(folder, *, num_frames=4):
    """VideoMAE on clips of four frames."""
    config = transformers.VideoMAEConfig(
        **SIZES, image_size=SIDE, patch_size=8, num_frames=num_frames, tubelet_size=2
    )
    size = {"shortest_edge": SIDE}
    crop = {"height": SIDE, "width": SIDE}
    processor = transformers.VideoMAEImageProcessor(size=size, crop_size=crop)
    return save(folder, transformers.VideoMAEModel(config), processor)


_WAVES = {
    "wav2vec2": "Wav2Vec2",
    "hubert": "Hubert",
    "wavlm": "WavLM",
    "unispeech-sat": "UniSpeechSat",
}
_LARGE = {"norm": "layer", "is_stable": True}
AUDIO = {
    **{f"{family}-base": partial(save_waves, name=name) for family, name in _WAVES.items()},
    **{f"{family}-large": partial(save_waves, name=n, **_LARGE) for family, n in _WAVES.items()},
    "wav2vec2-between": partial(save_waves, name="Wav2Vec2", norm="layer"),
    "wav2vec2-conformer": partial(save_waves, name="Wav2Vec2Conformer", norm="layer"),
    "wav2vec2-conformer-rotary": partial(
        save_waves, name="Wav2Vec2Conformer", norm="layer", position_embeddings_type="rotary"
    ),
    "data2vec-audio": partial(
        save_waves, name="Data2VecAudio", conv_pos_kernel_size=5, num_conv_pos_embeddings=3
    ),
    "whisper": save_whisper,
}
_DEBERTA = {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]}
TEXT = {
    "bert": partial(save_words, name="Bert"),
    "roberta": partial(save_words, name="Roberta", max_position_embeddings=65),
    "xlm-roberta": partial(save_words, name="XLMRoberta", max_position_embeddings=65),
    "distilbert": partial(save_words, name="DistilBert"),
    "electra": partial(save_words, name="Electra", embedding_size=WIDTH),
    "mpnet": partial(save_words, name="MPNet", max_position_embeddings=66, pad_token_id=1),
    "modernbert": partial(
        save_words, name="ModernBert", local_attention=8, global_attn_every_n_layers=2
    ),
    "deberta": partial(save_words, name="Deberta", **_DEBERTA),
    "deberta-v2": partial(save_words, name="DebertaV2", conv_kernel_size=3, **_DEBERTA),
    "deberta-v3": partial(
        save_words,
        name="DebertaV2",
        position_buckets=8,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        position_biased_input=False,
        **_DEBERTA,
    ),
    "t5": partial(save_words, name="T5"),
}
VISUAL = {
    "vit": partial(save_pictures, name="ViT"),
    "vit-fer": partial(save_pictures, name="ViT", kind="ForImageClassification", num_labels=7),
    "deit": partial(save_pictures, name="DeiT", processor="DeiT"),
    "beit": partial(save_pictures, name="Beit", processor="Beit", use_relative_position_bias=True),
    "dinov2": partial(save_pictures, name="Dinov2"),
    "dinov2_with_registers": partial(save_pictures, name="Dinov2WithRegisters"),
    "dinov3_vit": partial(save_pictures, name="DINOv3ViT", num_register_tokens=2),
    "clip": partial(save_two_towers, name="CLIP"),
    "siglip": partial(save_two_towers, name="Siglip"),
    "siglip2": partial(save_two_towers, name="Siglip2"),
    "videomae": save_video,
}
