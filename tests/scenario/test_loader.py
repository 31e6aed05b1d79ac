"""Loading: names, files, `extends`, the shipped scenarios, and damaged files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.scenario_mutations import mutations
from drivesim.scenario.diff import diff
from drivesim.scenario.errors import Issue, ScenarioError
from drivesim.scenario.loader import check, load, loads, shipped_names
from drivesim.scenario.quantity import Uniform

SHIPPED = [
    *("crossing_trigger", "dense_traffic", "distracted", "empty_road", "mixed_field"),
    *("night_shift", "reasonable"),
]


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)


def issues_in(content: bytes, path: Path | None = None) -> list[Issue]:
    try:
        loads(content, path)
    except ScenarioError as error:
        return error.issues
    return []


def issue_of(path: Path) -> Issue:
    (issue,) = check(path)
    return issue


def test_the_promised_scenarios_are_shipped() -> None:
    assert shipped_names() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_scenario_is_named_as_its_file_and_described(name: str) -> None:
    scenario = load(name)
    assert scenario.name == name
    assert scenario.description
    assert scenario.schema_version == 1


def test_distracted_changes_only_who_the_pedestrians_are() -> None:
    changes = diff(load("reasonable"), load("distracted"))
    assert changes
    allowed = ("pedestrians.mix", "pedestrians.profiles")
    assert [change.path for change in changes if not change.path.startswith(allowed)] == []


@pytest.mark.parametrize("name", ["distracted", "mixed_field"])
def test_all_profiles_walk_the_same_routes(name: str) -> None:
    profiles = load(name).pedestrians.profiles.values()
    assert len({(profile.midblock_share, profile.jaywalk_share) for profile in profiles}) == 1


def test_mixed_field_has_the_shares_seen_in_the_field() -> None:
    mix = load("mixed_field").pedestrians.mix
    assert 1 - mix["attentive"] / sum(mix.values()) == pytest.approx(0.298)
    assert mix["texting"] / sum(mix.values()) == pytest.approx(0.073)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ScenarioError, match=r"no such scenario; .*; nearest: reasonable"):
        load("resonable")


def test_extending_merges_mappings_and_replaces_lists_and_distributions(tmp_path: Path) -> None:
    write(
        tmp_path,
        parent="name: parent\ndescription: old\nmodalities: [depth, gray]\n"
        "ego: {start_speed: {uniform: [1, 2]}, top_speed: 9}\nmap: {lane_width: 3}\n",
        child="name: child\nextends: parent.yaml\nmodalities: [gray]\nego: {start_speed: {normal: [3, 1]}}\n",
        grandchild="name: grandchild\nextends: child.yaml\nmap: {lane_width: {uniform: [3, 3.5]}}\n",
    )
    scenario = load(tmp_path / "grandchild.yaml")
    assert (scenario.name, scenario.extends, scenario.description) == ("grandchild", "child.yaml", "")
    assert scenario.modalities == ("gray",)
    assert scenario.ego.top_speed == 9
    assert scenario.ego.model_dump()["start_speed"] == {"normal": (3, 1)}
    assert scenario.map.lane_width == Uniform(uniform=(3, 3.5))


def test_each_file_needs_its_own_name(tmp_path: Path) -> None:
    write(tmp_path, child="extends: reasonable\n")
    assert issue_of(tmp_path / "child.yaml").path == "name"


def test_an_inherited_error_names_the_file_it_stands_in(tmp_path: Path) -> None:
    write(tmp_path, parent="name: parent\nmap:\n  lanes: 7\n", child="name: child\nextends: parent.yaml\n")
    issue = issue_of(tmp_path / "child.yaml")
    assert (issue.file, issue.line, issue.path) == (str(tmp_path / "parent.yaml"), 3, "map.lanes")


def test_a_cycle_is_told_where_it_closes(tmp_path: Path) -> None:
    write(tmp_path, a="name: a\nextends: b.yaml\n", b="name: b\nextends: a.yaml\n")
    issue = issue_of(tmp_path / "a.yaml")
    assert (issue.file, issue.line, issue.column) == (str(tmp_path / "b.yaml"), 2, 10)
    assert "a.yaml -> b.yaml -> a.yaml" in issue.message
    write(tmp_path, a="name: a\nextends: a.yaml\n")
    assert "a cycle" in issue_of(tmp_path / "a.yaml").message


@pytest.mark.parametrize(
    "target", ["../up.yaml", "/etc/passwd", "sub/x.yaml", "link.yaml", "gone.yaml", "up", "x" * 250 + ".yaml"]
)
def test_only_shipped_names_and_neighbours_can_be_extended(tmp_path: Path, target: str) -> None:
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    for path in (tmp_path / "up.yaml", folder / "sub" / "x.yaml"):
        path.write_text("name: up\n")
    (folder / "link.yaml").symlink_to(tmp_path / "up.yaml")
    write(folder, child=f"name: child\nextends: {target}\n")
    issue = issue_of(folder / "child.yaml")
    assert (issue.path, issue.line, issue.column) == ("extends", 2, 10)
    assert "or a .yaml file in the same folder" in issue.message


def test_a_parent_that_cannot_be_parsed_is_told_with_its_place(tmp_path: Path) -> None:
    write(tmp_path, parent="name: [", child="name: child\nextends: parent.yaml\nstack: 0\n")
    files = [Path(issue.file).name for issue in check(tmp_path / "child.yaml")]
    assert files == ["child.yaml", "parent.yaml"]


def test_what_is_no_readable_file_is_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone.yaml", Path("a\0b.yaml"), Path("/dev/zero"), Path("x" * 999)):
        assert "cannot be read" in issue_of(path).message


def test_text_can_extend_shipped_scenarios_only() -> None:
    assert loads(b"name: x\nextends: distracted\n").pedestrians.mix["absorbed"] == 1
    with pytest.raises(ScenarioError):
        loads(b"name: x\nextends: pyproject.yaml\n")


def test_damaged_files_end_in_scenario_errors_only() -> None:
    path = Path(__file__).parents[2] / "scenarios" / "reasonable.yaml"
    outcomes = []
    for content in mutations(path.read_text(), 150, seed=7):
        issues = issues_in(content, path)
        assert all("\n" not in str(issue) for issue in issues)
        outcomes.append(not issues)
    assert outcomes.count(False) > 75


@settings(max_examples=30, deadline=None, database=None)
@given(st.binary(max_size=40), st.text(max_size=40))
def test_arbitrary_bytes_end_in_scenario_errors_only(content: bytes, text: str) -> None:
    issues_in(content)
    issues_in(f"name: {text}".encode(errors="replace"))


def test_the_same_seed_damages_files_alike() -> None:
    first, second = (list(mutations("a: 1\nb: 2\n", 20, seed=3)) for _ in range(2))
    assert first == second
    assert len(set(first)) > 10
