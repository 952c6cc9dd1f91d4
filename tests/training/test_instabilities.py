from __future__ import annotations

import re
from pathlib import Path

import pytest

from calogan.errors import TrainingError
from calogan.training.instabilities import Watch, check_finite


def accuracies(real: float, generated: float) -> dict[str, float]:
    return {"accuracy_real": real, "accuracy_generated": generated}


def test_losses_that_are_no_numbers_stop_with_advice() -> None:
    check_finite({"generator": 1.0}, 1, 1, None)
    with pytest.raises(TrainingError) as caught:
        check_finite(
            {"generator": 1.0, "discriminator_real": float("nan")}, 3, 170, Path("run/last")
        )
    assert str(caught.value).startswith(
        "discriminator_real became NaN in epoch 3, step 170: lower disc_lr"
    )
    assert str(caught.value).endswith("the last good checkpoint is run/last")
    with pytest.raises(
        TrainingError, match=r"generator became infinite .* lower gen_lr .* nothing"
    ):
        check_finite({"generator": float("-inf")}, 1, 1, None)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (accuracies(0.999, 1.0), "right about more than 99% .* lower disc_lr"),
        (accuracies(0.0, 1.0), "wrong about nearly all real showers .* raise disc_lr"),
        (accuracies(0.8, 0.001), "wrong about nearly all generated showers"),
    ],
)
def test_a_collapsed_discriminator_is_said_once_per_occurrence(
    bad: dict[str, float], message: str
) -> None:
    watch = Watch()
    good = accuracies(0.7, 0.6)
    said = [watch.look(record) for record in [good, *[bad] * 8, good, *[bad] * 4]]
    assert [len(warnings) for warnings in said] == [0] * 5 + [1] + [0] * 8
    assert len(watch.look(bad)) == 1  # the fifth in a row again
    assert re.search(message, said[5][0])


def test_a_mode_collapse_is_said_for_the_particle_that_has_it() -> None:
    watch = Watch()
    names = ("f_0", "sigma_eta_0", "hits_0")
    wide = {f"spread/gamma/{name}": 0.9 for name in names}
    narrow = {f"spread/e+/{name}": 0.1 * k for k, name in enumerate(names, 1)}
    assert watch.look({**wide, **narrow}) == []  # one validation may be an accident
    assert watch.look({"epoch": 3}) == []  # an epoch without validation changes nothing
    (warning,) = watch.look({**wide, **narrow})
    assert "mode collapse: at one energy, the shower shapes of e+ spread 0.20 times" in warning
    assert "f_0 0.10" in warning
    assert watch.look({**wide, **narrow}) == []
    one_narrow = {"spread/f_0": 0.0, "spread/f_1": 0.9, "spread/f_2": 0.8, "spread/x": float("nan")}
    watch = Watch()
    assert watch.look(one_narrow) == watch.look(one_narrow) == []


def test_the_watch_goes_on_in_a_resumed_training() -> None:
    watch = Watch()
    for _ in range(4):
        assert watch.look(accuracies(1.0, 1.0)) == []
    assert len(Watch(dict(watch.counts)).look(accuracies(1.0, 1.0))) == 1
