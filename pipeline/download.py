"""Stage `download`: bring the raw corpus here; the sample corpus is made, not fetched."""

from __future__ import annotations

from pathlib import Path

from mculora.errors import InputError
from pipeline.console import progress, stage
from pipeline.layout import Layout
from pipeline.params import Params, read_params


def run() -> None:
    """Make the sample corpus, or find the corpus that the user has put in place."""
    params = read_params()
    layout = Layout(params.dataset)
    if params.dataset == "sample":
        _make_sample(params, layout)
    else:
        _find_mosei(layout.raw)


def _make_sample(params: Params, layout: Layout) -> None:
    from mculora.corpora.sample.corpus import synthesise
    from mculora.corpora.sample.plan import plan_sample

    source = f"params.yaml (seed {params.sample.seed})"
    with stage("download", reads=[source], writes=layout.raw) as facts:
        plan = plan_sample(params.sample.seed, params.sample.num_videos)
        made = progress(
            synthesise(plan, layout.raw), label="sample videos", total=len(plan.available)
        )
        paths = list(made)
        megabytes = sum(path.stat().st_size for path in paths) / 1e6
        facts += [f"{len(paths)} videos", f"{megabytes:.0f} MB"]


def _find_mosei(raw: Path) -> None:
    """Look for an unpacked CMU_MOSEI.zip.

    Raises:
        InputError: There is none.
    """
    with stage("download", reads=["what is in place"], writes=raw) as facts:
        transcripts = next(raw.glob("**/Transcript/**/Combined"), None)
        if transcripts is None:
            raise InputError(
                raw,
                found="no Transcript/**/Combined" if raw.exists() else "nothing",
                expected="the unpacked CMU_MOSEI.zip (Raw/Transcript, Raw/Videos, Raw/Labels) "
                "and cmu_mosei_std_folds.py beside Raw",
                remedy="put them there, or set dataset: sample",
            )
        facts.append(f"already there: {transcripts.relative_to(raw)}")
