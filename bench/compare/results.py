"""results.json: everything that was measured, and what it was measured with."""

import dataclasses
import datetime
import os
from pathlib import Path

import machine
from estimates import spread
from peers import Allocator
from runner import Options, Result
from summary import ALL_MEASURES, Measure, behind, best_rival, failures, groups, means, to_best_rival, to_rivals


def document(allocators: list[Allocator], options: Options, results: list[Result]) -> dict:
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": {**machine.description(), "load": os.getloadavg()},
        "options": dataclasses.asdict(options),
        "allocators": {allocator.name: origin(allocator) for allocator in allocators},
        "cases": {result.case.name: case_document(result) for result in results},
        "groups": {group: group_document(of_group) for group, of_group in groups(results).items()},
        "behind": [{"case": one.case, "measure": one.measure.key, "ratio": one.ratio, "rival": one.rival,
                    "clear": one.is_clear} for one in behind(results)],
        "failures": [{"case": case, "allocator": name, "reason": reason} for case, name, reason in failures(results)],
    }


def origin(allocator: Allocator) -> dict:
    file = Path(allocator.library).name if allocator.library else None
    return {"file": file, "version": allocator.version, "sha256": allocator.hash, "variables": dict(allocator.variables)}


def case_document(result: Result) -> dict:
    if result.left_out:
        return {"group": result.case.group, "left_out": result.left_out}
    return {
        "group": result.case.group,
        "question": result.case.question,
        "metric_units": result.case.metric_units,
        "allocators": {name: allocator_document(result, name) for name in result.turns},
        "best_rival": {measure.key: best_rival(result, measure) for measure in ALL_MEASURES},
        "to_best_rival": {measure.key: to_best_rival(result, measure) for measure in ALL_MEASURES},
        "to_rivals": {measure.key: to_rivals(result, measure) for measure in ALL_MEASURES},
    }


def allocator_document(result: Result, name: str) -> dict:
    if result.failure(name):
        return {"failure": result.failure(name)}
    samples = [dataclasses.asdict(sample) for sample in result.samples(name)]
    rows = [{**sample, **sample["metrics"]} for sample in samples]
    keys = dict.fromkeys(key for row in rows for key in row if key != "metrics")
    return {"summary": {key: dataclasses.asdict(spread(row[key] for row in rows if key in row)) for key in keys},
            "samples": samples}


def group_document(results: list[Result]) -> dict:
    return {
        "to_best_rival": {measure.key: means_document(results, measure, to_best_rival) for measure in ALL_MEASURES},
        "to_rivals": {measure.key: means_document(results, measure, to_rivals) for measure in ALL_MEASURES},
    }


def means_document(results: list[Result], measure: Measure, ratios_of) -> dict:
    return {name: dataclasses.asdict(mean) for name, mean in means(results, measure, ratios_of).items()}
