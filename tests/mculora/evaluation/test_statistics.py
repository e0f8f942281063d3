import pytest

from mculora.evaluation.statistics import mean_metrics, summarise, summarise_metrics


def test_mean_and_sample_standard_deviation():
    summary = summarise([0.8, 0.9, 1.0])
    assert summary.mean == pytest.approx(0.9)
    assert summary.sd == pytest.approx(0.1)  # divided by n - 1
    assert summary.as_json() == {"mean": summary.mean, "sd": summary.sd, "values": [0.8, 0.9, 1.0]}


def test_one_run_shows_no_spread():
    assert summarise([0.8]).sd is None


def test_undefined_values_stay_visible_and_out_of_the_mean():
    summary = summarise([0.5, None, 0.7])
    assert summary.mean == pytest.approx(0.6)
    assert summary.values == (0.5, None, 0.7)
    assert summarise([None, None]).mean is None


def test_metrics_are_averaged_key_by_key():
    parts = [{"wa": 0.5, "ua": None}, {"wa": 0.7, "ua": 0.4}]
    assert mean_metrics(parts) == {"wa": pytest.approx(0.6), "ua": 0.4}
    assert summarise_metrics(parts)["wa"].values == (0.5, 0.7)
    assert mean_metrics([]) == {}
