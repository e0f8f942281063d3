"""Stage `split`: the folds, and the missing-modality masks of their tests."""

from __future__ import annotations

from mculora.corpora.manifest import read_manifest
from mculora.protocol.folds import make_folds, shared_speakers, write_folds
from mculora.protocol.masks import draw_test_masks, write_masks
from pipeline.console import stage
from pipeline.layout import Layout, require
from pipeline.params import read_params


def run() -> None:
    """Divide the corpus once, and draw the test masks once: every model meets the same ones."""
    params = read_params()
    layout = Layout(params.dataset)
    require(layout.corpus, command="mculora prepare")
    seed, rule = params.split.seed, params.split.missing_rule
    with stage("split", reads=[layout.corpus], writes=layout.split) as facts:
        corpus = read_manifest(layout.corpus)
        folds = make_folds(
            corpus,
            validation_share=params.split.validation_share,
            test_share=params.split.test_share,
            seed=seed,
        )
        masks = [
            draw_test_masks(corpus, fold, missing_rates=params.missing_rates, seed=seed, rule=rule)
            for fold in folds
        ]
        write_folds(layout.folds, folds)
        write_masks(layout.split, masks)
        for fold, mask in zip(folds, masks, strict=True):
            parts = f"{len(fold.train)} to train, {len(fold.validation)} to validate"
            facts.append(f"fold {fold.name}: dialogues {parts}, {len(fold.test)} to test")
            facts.append(f"{len(mask.present)} test masks {mask.digest[:12]}")
            if shared := shared_speakers(corpus, fold):
                facts.append(f"{len(shared)} of its test speakers are heard before the test, too")
