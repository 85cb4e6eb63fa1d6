"""Power and detectable differences, against reference values and against the tests themselves."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comic_eval.analysis.paired import mcnemar_exact, smallest_significant
from comic_eval.analysis.power import (
    detectable_difference,
    detectable_from,
    mcnemar_power,
    two_proportion_power,
    two_proportion_z,
)


def by_enumeration(n: int, discordance: float, difference: float, alpha: float) -> float:
    """The power, summed over every possible number of losses and gains."""
    gain, loss = (discordance + difference) / 2, (discordance - difference) / 2
    total = 0.0
    for lost, gained in itertools.product(range(n + 1), repeat=2):
        if lost + gained <= n and mcnemar_exact(lost, gained) <= alpha:
            ways = math.factorial(n) // (
                math.factorial(lost) * math.factorial(gained) * math.factorial(n - lost - gained)
            )
            total += ways * gain**gained * loss**lost * (1 - discordance) ** (n - lost - gained)
    return total


@pytest.mark.parametrize(
    ("n", "discordance", "difference", "alpha"),
    [(12, 0.5, 0.3, 0.05), (30, 0.3, 0.2, 0.05), (30, 0.3, -0.2, 0.05), (25, 0.4, 0.4, 0.05 / 7), (40, 0.2, 0, 0.05)],
)
def test_the_power_of_mcnemars_test_is_that_of_all_outcomes(
    n: int, discordance: float, difference: float, alpha: float
) -> None:
    expected = by_enumeration(n, discordance, difference, alpha)
    assert mcnemar_power(n, discordance, difference, alpha) == pytest.approx(expected, abs=1e-8)


def test_the_power_of_mcnemars_test_is_how_often_it_rejects() -> None:
    """Simulated: 103 pairs, the size of the paper's Depth Comparison, of which 30 % differ, 15 points apart."""
    rng = np.random.default_rng(3)
    draws = rng.multinomial(103, [0.075, 0.225, 0.7], size=4000)
    rejected = np.mean([mcnemar_exact(int(lost), int(gained)) <= 0.05 for lost, gained, _ in draws])
    assert mcnemar_power(103, 0.3, 0.15) == pytest.approx(rejected, abs=0.02)


def test_without_an_effect_the_exact_test_keeps_its_level() -> None:
    for n, discordance in itertools.product((10, 60, 300), (0.1, 0.5, 1.0)):
        assert mcnemar_power(n, discordance, 0.0) <= 0.05


@given(st.integers(1, 300), st.floats(0.01, 1), st.floats(0, 1))
def test_power_does_not_depend_on_which_side_wins_and_grows_with_the_effect(n: int, rate: float, part: float) -> None:
    power = mcnemar_power(n, rate, part * rate)
    assert 0 <= power <= 1 + 1e-9
    assert power == pytest.approx(mcnemar_power(n, rate, -part * rate), abs=1e-8)
    assert power <= mcnemar_power(n, rate, rate) + 1e-7


def test_designs_that_cannot_be_are_refused() -> None:
    assert mcnemar_power(0, 0.5, 0.1) == mcnemar_power(10, 0, 0) == 0
    for n, discordance, difference in ((-1, 0.5, 0.1), (10, 1.5, 0.1), (10, 0.1, 0.2)):
        with pytest.raises(ValueError, match="no such design"):
            mcnemar_power(n, discordance, difference)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 250), st.floats(0, 1))
def test_the_detectable_difference_is_the_smallest_with_that_power(n: int, discordance: float) -> None:
    found = detectable_difference(n, discordance)
    if found is None:
        assert mcnemar_power(n, 1.0, 1.0) < 0.8
        return
    assert mcnemar_power(n, max(discordance, found + 1e-4), found + 1e-4) >= 0.8
    less = max(0.0, found - 0.001)
    assert mcnemar_power(n, max(discordance, less), less) < 0.8
    least = smallest_significant(n)
    assert least is not None


def test_more_questions_find_smaller_differences_and_more_disagreement_hides_them() -> None:
    by_size = [detectable_difference(n, 0.3) for n in (20, 37, 103, 150, 1000)]
    assert None not in by_size
    assert by_size == sorted(by_size, reverse=True)  # type: ignore[type-var]
    assert detectable_difference(103, 0.1) < detectable_difference(103, 0.5)  # type: ignore[operator]
    assert detectable_difference(5, 0.3) is None


# Reference values: statsmodels.stats.proportion.power_proportions_2indep(diff, prop2, nobs1, ratio) of statsmodels
# 0.15.0, whose nobs1 belongs to prop2 + diff.
@pytest.mark.parametrize(
    ("first", "second", "n_first", "n_second", "power"),
    [
        (0.5, 0.65, 103, 103, 0.587127650272529),
        (0.4951, 0.5728, 103, 103, 0.20013707737745148),
        (0.1, 0.3, 37, 37, 0.5780457818110172),
        (0.7, 0.5, 136, 147, 0.9334966579949167),
    ],
)
def test_the_power_of_two_proportions_has_the_reference_values(
    first: float, second: float, n_first: int, n_second: int, power: float
) -> None:
    assert two_proportion_power(first, second, n_first, n_second) == pytest.approx(power, abs=1e-9)
    assert two_proportion_power(second, first, n_second, n_first) == pytest.approx(power, abs=1e-9)


# Reference values: statsmodels.stats.proportion.test_proportions_2indep(method="wald", compare="diff",
# correction=False) of statsmodels 0.15.0, on the counts behind Table 5: RARL's gains over its base.
@pytest.mark.parametrize(
    ("first", "second", "n", "z"),
    [
        (51, 59, 103, 1.120757583501271),
        (62, 77, 150, 1.7455239446346094),
        (64, 112, 147, 6.056922361414337),
        (67, 97, 136, 3.8158914865676015),
    ],
)
def test_z_has_the_reference_values(first: int, second: int, n: int, z: float) -> None:
    assert two_proportion_z(first / n, second / n, n, n) == pytest.approx(z)


def test_without_variance_there_is_no_z() -> None:
    assert two_proportion_z(0, 0, 37, 37) is None
    assert two_proportion_power(0, 1, 5, 5) == 1
    assert two_proportion_power(0, 0, 5, 5) == 0


def test_what_two_test_sets_of_the_papers_sizes_show() -> None:
    """Seven points on 103 questions are far from enough; 19 would be."""
    shown = detectable_from(0.5, 103, 103)
    assert shown == pytest.approx(0.1905, abs=1e-4)
    assert two_proportion_power(0.5, 0.5 + shown, 103, 103) == pytest.approx(0.8, abs=1e-3)
    assert detectable_from(1.0, 50, 50) is not None
    assert detectable_from(0.5, 2, 2) is None
