"""Runs variants in turns, so that what else the machine does meets all of them, until their medians are known."""

import dataclasses
import random
from collections.abc import Callable

from estimates import relative_half_width
from launcher import RunFailed
from variants import Translation, Variant

HALF_WIDTH_MAX = 0.03  # of the median's interval: below it more runs tell nothing that matters


@dataclasses.dataclass(frozen=True)
class Options:
    """What decides how much is measured."""
    runs_min: int
    runs_max: int
    seed: int


def measure(variants: tuple[Variant, ...], translate: Callable[[Variant], Translation], options: Options,
            say: Callable[[str], None]) -> dict[Variant, list[Translation]]:
    """A warm-up round, then rounds in changing order. Raises RunFailed: a series without one variant tells nothing."""
    translations: dict[Variant, list[Translation]] = {variant: [] for variant in variants}
    for number in range(options.runs_max + 1):
        if number > options.runs_min and all(is_steady(runs) for runs in translations.values()):
            break
        order = list(variants)
        random.Random(f"{options.seed} {number}").shuffle(order)
        for variant in order:
            say(f"{'warm-up' if number == 0 else f'run {number}'}, {variant}")
            translation = attempt(variant, translate)
            if number > 0:
                translations[variant].append(translation)
    check_texts(translations)
    return translations


def attempt(variant: Variant, translate: Callable[[Variant], Translation]) -> Translation:
    try:
        return translate(variant)
    except RunFailed as fault:
        raise RunFailed(f"{variant}: {fault}") from None


def is_steady(translations: list[Translation]) -> bool:
    return relative_half_width([one.report["wall_ns"] for one in translations]) < HALF_WIDTH_MAX


def check_texts(translations: dict[Variant, list[Translation]]) -> None:
    """A variant that writes another text does other work."""
    texts = {variant: {one.report["output_hash"] for one in runs} for variant, runs in translations.items()}
    if len(set().union(*texts.values())) > 1:
        raise RunFailed("the variants do not give the same text: "
                        + ", ".join(f"{variant} {'/'.join(sorted(hashes))}" for variant, hashes in texts.items()))
