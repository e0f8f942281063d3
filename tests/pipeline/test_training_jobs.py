"""The plan of a training: every fold, seed, modality, method and specialist, each once."""

from mculora.modality import Modality, ModalityCombination
from mculora.model.network import NetworkConfig
from mculora.training.data import TrainingConfig
from mculora.training.methods import compared_methods, main_method
from pipeline.layout import Layout
from pipeline.training.jobs import networks_of, plan_jobs

MAIN = main_method(NetworkConfig((3, 4, 5), 1), TrainingConfig())
METHODS = compared_methods(MAIN, baselines=["dropout", "specialists"], ranks=[2])
PLAN = plan_jobs(METHODS, folds=["Ses01", "Ses02"], seeds=[3, 4])


def test_everything_is_trained_once():
    assert len(PLAN.encoders) == 2 * 2 * len(Modality)
    assert len(PLAN.networks) == 2 * 2 * (1 + 1 + 7 + 1)
    assert len({job.name for job in PLAN.jobs}) == len(PLAN.jobs)


def test_jobs_come_fold_by_fold_and_seed_by_seed():
    runs = [("Ses01", 3), ("Ses01", 4), ("Ses02", 3), ("Ses02", 4)]
    for jobs in (PLAN.encoders, PLAN.networks):
        assert list(dict.fromkeys((job.fold, job.seed) for job in jobs)) == runs
        places = [runs.index((job.fold, job.seed)) for job in jobs]
        assert places == sorted(places)


def test_no_two_networks_have_one_place():
    layout = Layout("iemocap4")
    places = {
        layout.checkpoint(job.method.name, job.seed, job.fold, job.combination)
        for job in PLAN.networks
    }
    assert len(places) == len(PLAN.networks)
    path = layout.checkpoint("specialists", 3, "Ses01", ModalityCombination.AT)
    assert path == layout.models / "specialists" / "seed-3-Ses01-at.safetensors"


def test_a_specialist_is_trained_under_a_name_of_its_own():
    (specialists,) = (method for method in METHODS if method.is_specialised)
    own = [job for job in PLAN.networks if job.method is specialists][:7]
    words = [c.word for c in ModalityCombination]
    assert [job.trained.name for job in own] == [f"specialists-{word}" for word in words]
    assert [job.trained.training.shown for job in own] == list(ModalityCombination)
    assert networks_of(MAIN) == (None,)
