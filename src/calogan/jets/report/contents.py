"""What a report of jet images shows, in which order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from calogan.evaluation.pictures.correlations import correlation_matrices
from calogan.evaluation.pictures.neighbours import neighbour_distances
from calogan.evaluation.pictures.roc import roc_curves
from calogan.evaluation.report.chapter import Chapter
from calogan.evaluation.report.figures import Drawing
from calogan.jets.report.distributions import confusion_matrices, intensities, observable
from calogan.jets.report.pictures import (
    average_images,
    differences,
    neighbour_pairs,
    single_images,
)
from calogan.jets.report.samples import CLASSES, TITLES, JetSample
from calogan.jets.report.study import INTENSITY, SHAPES, Findings
from calogan.jets.report.tables import classifier_table, neighbour_table

if TYPE_CHECKING:
    from calogan.jets.report.classifying import Classified

__all__ = ["auxiliary_matrices", "contents"]

_SHOWN = 7


def contents(findings: Findings) -> list[Chapter]:
    """The chapters of a report, in their order."""
    chapters = [
        Chapter("images", "Average images", _averages(findings)),
        Chapter("intensities", "Pixel intensities", (_intensities(findings),)),
        Chapter("jets", "Jets", _observables(findings)),
    ]
    if findings.settings.quick:
        return chapters
    chapters += [
        Chapter("singles", "Single images", _singles(findings)),
        Chapter("correlations", "Correlations", _correlations(findings)),
        _neighbours(findings),
    ]
    if findings.classified is not None:
        chapters.append(_classifiers(findings, findings.classified))
    return chapters


def _averages(findings: Findings) -> tuple[Drawing, ...]:
    samples = findings.samples
    means = {
        sample.name: {of: sample.image(of).mean(axis=0, dtype=np.float64) for of in CLASSES}
        for sample in samples.every
    }
    own = samples.reference.name
    return (
        Drawing(
            "average_images",
            "Average images of signal and background, and signal minus background. The second "
            "subjet is below the leading one, and the right half holds more. Grey: never hit",
            average_images,
            (means,),
            wide=True,
        ),
        Drawing(
            "differences",
            f"Average images of each candidate minus those of {own}",
            differences,
            (own, means),
            wide=True,
        ),
    )


def _intensities(findings: Findings) -> Drawing:
    return Drawing(
        INTENSITY,
        "How many pixels of an image hold how much energy; errors are from the scatter between "
        "images",
        intensities,
        (
            findings.samples.reference.name,
            {of: (one.reference, one.candidates) for of, one in findings.intensities.items()},
        ),
    )


def _observables(findings: Findings) -> tuple[Drawing, ...]:
    return tuple(
        Drawing(
            shape.name,
            f"{shape.description[0].upper()}{shape.description[1:]}",
            observable,
            (
                findings.samples.reference.name,
                {of: these[k] for of, these in findings.compared.items()},
            ),
            log_twin=not findings.settings.quick,
        )
        for k, shape in enumerate(SHAPES)
    )


def _singles(findings: Findings) -> tuple[Drawing, ...]:
    rng = np.random.default_rng([findings.settings.seed, 6])

    def some(sample: JetSample, of: str) -> NDArray[np.float32]:
        images = sample.image(of)
        return images[np.sort(rng.permutation(len(images))[:_SHOWN])]

    return tuple(
        Drawing(
            f"single_{of}",
            f"Single images of {TITLES[of]}, drawn at random",
            single_images,
            ({sample.name: some(sample, of) for sample in findings.samples.every},),
        )
        for of in CLASSES
    )


def _correlations(findings: Findings) -> tuple[Drawing, ...]:
    labels = {shape.name: shape.label for shape in SHAPES}
    own, *others = findings.samples.every
    return tuple(
        Drawing(
            f"correlations_{of}",
            f"Correlations of the observables of {TITLES[of]}: at the left the reference above the "
            "diagonal and the candidate below it, at the right candidate minus reference",
            correlation_matrices,
            (labels, own.name, own.table(of), {one.name: one.table(of) for one in others}),
        )
        for of in CLASSES
    )


def _neighbours(findings: Findings) -> Chapter:
    result, samples = findings.neighbours, findings.samples
    title = "Nearest neighbours"
    if result is None:
        return Chapter("neighbours", title, ())
    own = samples.reference.name
    among = "training images" if result.against == "training" else f"images of {own}"
    words = (
        (
            f"Each image and the nearest of {len(result.targets):,} {among}; the distance is Euclid's "
            "of the square roots of the pixels. An image that was learnt by heart lies near 0. Below: "
            f"distances over the median of independent images of {own}."
        ),
    )
    drawings = (
        Drawing(
            "neighbours",
            "Images above their nearest neighbours, drawn at random, the distance in the lower "
            "left corner",
            neighbour_pairs,
            ({sample.name: sample.images for sample in samples.every}, result),
            {"seed": findings.settings.seed},
        ),
        Drawing(
            "neighbour_distances",
            "Distances to the nearest neighbour",
            neighbour_distances,
            (own, result),
            {"noun": "image", "typical": "median distance of independent images"},
        ),
    )
    return Chapter("neighbours", title, drawings, words, neighbour_table(result))


def auxiliary_matrices(findings: Findings) -> tuple[Drawing, ...]:
    """Confusion matrices of the networks' own discriminators, where a card has them."""
    found = {sample.name: sample.auxiliary for sample in findings.samples.candidates}
    named = {name: one for name, one in found.items() if one is not None}
    if not named:
        return ()
    true = "share of the true W and QCD jets that it calls so"
    return (
        Drawing(
            "auxiliary_pythia",
            "Confusion matrices of the auxiliary classifier, which each network's discriminator is "
            f"as well, for images of Pythia kept out of its training: {true}. From its card",
            confusion_matrices,
            ([(name, np.array(one.pythia)) for name, one in named.items()],),
            wide=True,
        ),
        Drawing(
            "auxiliary_generated",
            f"The same for images of the network itself: {true}",
            confusion_matrices,
            ([(name, np.array(one.generated)) for name, one in named.items()],),
            wide=True,
        ),
    )


def _classifiers(findings: Findings, found: Classified) -> Chapter:
    own = findings.samples.reference.name
    words = (
        (
            f"Networks that tell W from QCD jets, trained on images of {own} or of a candidate and "
            "tested on images of both that they have not seen: what a candidate teaches is right if "
            f"one that is trained on it does as well on {own} as one that is trained on {own}."
        ),
        (
            f"Real or generated: networks that tell a candidate from {own}. An AUC of 0.5 means that "
            "they cannot."
        ),
    )
    on_own = {f"trained on {own}": found.pythia.curves}
    on_own |= {
        f"trained on {name}": tests["generated/reference"].curves
        for name, tests in found.tests.items()
    }
    of_own = {f"tested on {own}": found.pythia.curves}
    of_own |= {
        f"tested on {name}": tests["reference/generated"].curves
        for name, tests in found.tests.items()
    }
    matrices = [(own, found.pythia.confusion)]
    matrices += [(n, tests["reference/generated"].confusion) for n, tests in found.tests.items()]
    real: Mapping[str, list[tuple[NDArray[np.float64], NDArray[np.float64]]]] = {
        f"{own}, halves": [(seed.fpr, seed.tpr) for seed in found.floor.seeds],
        **{n: [(seed.fpr, seed.tpr) for seed in one.seeds] for n, one in found.real.items()},
    }
    names = {"signal": "W jets", "background": "QCD jets"}
    drawings = (
        *auxiliary_matrices(findings),
        Drawing(
            "roc_tested_on_reference",
            f"Classifiers of W and QCD, all tested on {own}",
            roc_curves,
            (on_own,),
            names,
            wide=True,
        ),
        Drawing(
            "roc_trained_on_reference",
            f"The classifier that was trained on {own}, tested on each sample",
            roc_curves,
            (of_own,),
            names,
            wide=True,
        ),
        Drawing(
            "confusion",
            f"Confusion matrices of the classifier that was trained on {own}: share of the true "
            "W and QCD jets of each sample that it calls so",
            confusion_matrices,
            (matrices,),
            wide=True,
        ),
        Drawing(
            "roc_real_or_generated",
            f"Classifiers that tell candidates from {own}",
            roc_curves,
            (real,),
            {"signal": f"{own} images", "background": "the other images"},
            wide=True,
        ),
    )
    return Chapter("classifiers", "Classifiers", drawings, words, classifier_table(own, found))
