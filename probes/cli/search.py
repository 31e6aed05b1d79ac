"""`probes search`: synthesise states for targets and check them against real ones."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from rich.console import Console
from torch import nn

from drivesim.arguments import natural_int, positive_int
from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.cli.device import Device, add_device, require_device
from probes.cli.options import Subparsers, add_common, begin, finish
from probes.cli.subjects import (
    Given,
    add_random_weights,
    add_real_states,
    add_subjects,
    load_given,
    make_reference,
    make_subject,
    make_target,
    open_reference,
)
from probes.progress import track
from probes.synthesis.climb import Progress
from probes.synthesis.findings import KIND, load_findings, manifest_config, slug, write_findings
from probes.synthesis.findings_summary import headline
from probes.synthesis.landscape import slices
from probes.synthesis.manifold import Possible
from probes.synthesis.reference import KIND as REFERENCE
from probes.synthesis.reference import outputs_of
from probes.synthesis.round_trip import Pace
from probes.synthesis.search_config import DEFAULT, SearchConfig
from probes.synthesis.synthesise import Searched, Subject, possible_of, renamed, synthesise
from probes.synthesis.targets import Target, TargetConfig, target_name

WHOLE = ("chains", "draws", "tries", "steps", "batch")
REAL = ("step_size", "diversity")
NATURAL = ("patience", "seed", "round_trips")


def add_parser(commands: Subparsers) -> None:
    """Add `search`."""
    parser = commands.add_parser("search", help="synthesise states for targets and check them")
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="TARGET",
        help="T-, T+, T±, S+, S-, V+, V-, uncertain, blind, or an action",
    )
    parser.add_argument(
        "--target", action="append", default=[], metavar="MODULE:FUNCTION", help="a target of your own"
    )
    add_subjects(parser)
    add_random_weights(parser)
    add_real_states(parser)
    for names, kind in ((WHOLE, positive_int), (REAL, float), (NATURAL, natural_int)):
        for name in names:
            parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=getattr(DEFAULT, name))
    parser.add_argument(
        "--alpha",
        type=_alpha,
        default="auto",
        help="weight of the KL; `auto` makes findings as probable as real",
    )
    parser.add_argument(
        "--quantile",
        type=float,
        default=DEFAULT.quantile,
        help="share of the real states that are more probable than findings where alpha is `auto`",
    )
    parser.add_argument(
        "--ceiling",
        type=_ceiling,
        default=DEFAULT.ceiling,
        help="J above the real maximum that counts, or none",
    )
    parser.add_argument("--init", choices=("prior", "paper"), default="prior", help="where chains start")
    parser.add_argument("--soft", action="store_true", help="the agent judges soft classes in each step")
    parser.add_argument("--optimiser", choices=("adam", "sgd"), default=DEFAULT.optimiser)
    parser.add_argument("--precision", choices=("float32", "bf16"), default=DEFAULT.precision)
    parser.add_argument(
        "--beta", type=float, default=TargetConfig().beta_relative, help="times the spread of the scores"
    )
    add_device(parser)
    add_common(parser, "runs/findings")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Search for each target, unless it has been done."""
    console, device = begin(args), require_device(args.device)
    names = [target_name(name) for name in (*args.targets, *args.target)]
    if not names:
        raise ProbeError("search: no target is given; `probes search --help` lists them")
    config, targets = search_config(args), TargetConfig(beta_relative=args.beta)
    given = load_given(args)
    measured = open_reference(given, args.output / REFERENCE, args.real_states)
    recorded = outputs_of(given.agent, given.states) if measured is None else measured.recorded()
    # all of them before anything that takes long
    wanted = [make_target(name, given, recorded, targets) for name in names]
    if measured is None:
        measured = make_reference(given, recorded, args.output / REFERENCE, args.real_states, console)
    # Only now: real states are measured alike for every command, whatever device a search is given.
    subject = place(make_subject(given, measured), device)
    stage = Stage(given, subject, targets, config, device, args.output, console)
    search_missing(stage, wanted)
    results = [headline(load_findings(stage.path(target), verify=False).result) for target in wanted]
    return finish(args, {"targets": results}, console)


def search_config(args: argparse.Namespace) -> SearchConfig:
    """Return the settings of a search that the command line gives."""
    named = {name: getattr(args, name) for name in (*WHOLE, *REAL, *NATURAL)}
    return SearchConfig(
        **named,
        straight_through=not args.soft,
        alpha=args.alpha,
        quantile=args.quantile,
        ceiling=args.ceiling,
        start=args.init,
        optimiser=args.optimiser,
        precision=args.precision,
    )


class Stage(NamedTuple):
    """What all searches of a command share."""

    given: Given
    subject: Subject
    targets: TargetConfig
    config: SearchConfig
    device: Device
    directory: Path
    console: Console

    def path(self, target: Target) -> Path:
        """Return where a target's findings are."""
        return self.directory / slug(target.name, target.used)

    def settings(self, target: Target) -> dict[str, Any]:
        """Return what decides them besides the states and the model."""
        return manifest_config(self.subject, target, self.targets, self.config)

    def is_up_to_date(self, target: Target) -> bool:
        """Tell whether they are there."""
        return artifact.is_current(
            self.path(target),
            KIND,
            config=self.settings(target),
            seed=self.config.seed,
            parents=self.given.parents,
        )

    def side_by_side(self) -> int:
        """Return how many targets to search at once, so that every core has some chains."""
        parts = math.ceil(self.config.chains / self.config.batch)
        return 1 if self.device == "cuda" else max(1, torch.get_num_threads() // parts)


def place(subject: Subject, device: Device) -> Subject:
    """Move what is searched to a device."""
    for module in (subject.model, subject.agent):
        if isinstance(module, nn.Module):
            module.to(device)
    return subject


def search_missing(stage: Stage, wanted: Sequence[Target]) -> None:
    """Write the findings of targets whose findings are not up to date.

    A formula is searched once: of an actor-critic T-, S- and V- are the same.
    """
    missing: dict[str, list[Target]] = {}
    for target in wanted:
        if stage.is_up_to_date(target):
            path = stage.path(target)
            stage.console.print(f"{path}: up to date", markup=False, highlight=False, soft_wrap=True)
        else:
            missing.setdefault(target.used, []).append(target)
    formulas, possible = list(missing.values()), possible_of(stage.subject) if missing else None
    for group in slices(len(formulas), stage.side_by_side()):
        found = search_group(stage, formulas[group], possible)
        for same, searched in zip(formulas[group], found, strict=True):
            for target in same:
                named, settings = renamed(searched, target), stage.settings(target)
                write_findings(stage.path(target), stage.subject, named, settings, stage.given.parents)


def search_group(
    stage: Stage, formulas: Sequence[Sequence[Target]], possible: Possible | None = None
) -> list[Searched]:
    """Search for some formulas side by side, each given by the targets that share it."""
    targets = [same[0] for same in formulas]
    names = ", ".join(target.name for target in targets)
    with track(len(targets) * stage.config.steps, f"search {names}", "steps", stage.console) as shown:

        def show(now: Progress) -> None:
            shown.advance(1, **{now.target: f"J {now.objective:.3g} KL {now.kl:.4g}"})

        pace = Pace(device=stage.device)
        return synthesise(stage.subject, targets, stage.config, on_step=show, pace=pace, possible=possible)


def _alpha(text: str) -> float | Literal["auto"]:
    return "auto" if text == "auto" else _number(text)


def _ceiling(text: str) -> float | None:
    return None if text == "none" else _number(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"found {text!r}, allowed is a number or a word of the help"
        ) from error
