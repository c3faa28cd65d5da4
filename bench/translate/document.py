"""Everything that was measured, and what it was measured with, for a file of JSON."""

import dataclasses
import datetime

import machine
from corpus import Corpus
from goals import Goal, Share
from rounds import Options
from series import MEASURES, Series
from variants import Variant


def document(start: datetime.datetime, corpus: Corpus, options: Options, all_series: list[Series], goals: list[Goal],
             shares: list[Share]) -> dict:
    return {
        "date": start.isoformat(timespec="seconds"),
        "machine": machine.description(),
        "options": dataclasses.asdict(options),
        "packages": corpus.versions,
        "files_found": len(corpus.files),
        "series": [series_document(series) for series in all_series],
        "goals": [dataclasses.asdict(goal) for goal in goals],
        "shares": [{**dataclasses.asdict(share), "whole": share.whole, "single_thread_share": share.single_thread_share}
                   for share in shares],
    }


def series_document(series: Series) -> dict:
    report = series.report
    counts = {key: report[key] for key in ("bytes", "tokens", "statements", "opaque_statements", "output_bytes", "output_hash")}
    return {"files": series.files, **counts, "faults": report["faults"],
            "variants": [variant_document(series, variant) for variant in series.variants]}


def variant_document(series: Series, variant: Variant) -> dict:
    allocations = series.allocations.get(variant)
    return {
        **dataclasses.asdict(variant),
        "summary": {measure.key: dataclasses.asdict(series.spread(variant, measure)) for measure in MEASURES},
        "samples": [{measure.key: measure.of(one) for measure in MEASURES} for one in series.translations[variant]],
        "gain": {measure.key: series.gain(variant, measure) for measure in MEASURES},
        "allocations_per_file": dataclasses.asdict(allocations) if allocations else None,
    }
