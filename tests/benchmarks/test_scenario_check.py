from pathlib import Path

from benchmarks.scenario_check import check_all


def test_damaged_files_end_in_nothing_but_issues(tmp_path: Path) -> None:
    times, strays, invalid = check_all(tmp_path, 70)
    assert len(times) == 70
    assert not strays
    assert 0 < invalid <= 70
