"""`probes search`: synthesise states for targets and check them against real ones."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Literal, NamedTuple

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
from probes.synthesis.findings import KIND, load_findings, manifest_config, slug, write_findings
from probes.synthesis.findings_summary import headline
from probes.synthesis.reference import KIND as REFERENCE
from probes.synthesis.reference import outputs_of
from probes.synthesis.round_trip import Pace
from probes.synthesis.search import DEFAULT, SearchConfig
from probes.synthesis.synthesise import Searched, Subject, renamed, synthesise
from probes.synthesis.targets import Target, TargetConfig, target_name

WHOLE = ("chains", "draws", "steps", "batch")
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
    done: dict[str, Searched] = {}
    results = [headline(search_for(stage, target, done)) for target in wanted]
    return finish(args, {"targets": results}, console)


def search_config(args: argparse.Namespace) -> SearchConfig:
    """Return the settings of a search that the command line gives."""
    named = {name: getattr(args, name) for name in (*WHOLE, *REAL, *NATURAL)}
    return SearchConfig(
        **named,
        straight_through=not args.soft,
        alpha=args.alpha,
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


def place(subject: Subject, device: Device) -> Subject:
    """Move what is searched to a device."""
    for module in (subject.model, subject.agent):
        if isinstance(module, nn.Module):
            module.to(device)
    return subject


def search_for(stage: Stage, target: Target, done: dict[str, Searched]) -> dict[str, Any]:
    """Search for one target unless its findings are up to date; return their `result.json`.

    Args:
        stage: of the search.
        target: resolved.
        done: searches so far by the formula's name, to which this one is added: of an actor-critic T-, S- and
            V- are the same.
    """
    path, parents = stage.directory / slug(target.name, target.used), stage.given.parents
    settings = manifest_config(stage.subject, target, stage.targets, stage.config)
    if artifact.is_current(path, KIND, config=settings, seed=stage.config.seed, parents=parents):
        stage.console.print(f"{path}: up to date", markup=False, highlight=False, soft_wrap=True)
        return load_findings(path, verify=False).result
    if target.used in done:
        searched = renamed(done[target.used], target)
    else:
        with track(stage.config.steps, f"search {target.name}", "steps", stage.console) as shown:
            searched = done[target.used] = synthesise(
                stage.subject,
                target,
                stage.config,
                on_step=lambda now: shown.advance(1, J=now.objective, KL=now.kl),
                pace=Pace(device=stage.device),
            )
    return write_findings(path, stage.subject, searched, settings, parents)


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
