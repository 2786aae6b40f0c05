"""What README.md has one type by hand works as it stands there."""

import doctest
import pathlib

HERE = pathlib.Path(__file__).resolve().parent


def test_the_readme_does_what_it_says(suite, monkeypatch, tmp_path):
    # The README's paths are seen from the root of the repository, where `liaison up` left its folder.
    for name in ("proto", "tests"):
        (tmp_path / name).symlink_to(HERE.parents[2] / name)
    (tmp_path / "liaison-data").symlink_to(suite.folder)
    (tmp_path / "target").mkdir()
    monkeypatch.chdir(tmp_path)
    outcome = doctest.testfile(str(HERE / "README.md"), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert outcome.attempted > 10 and outcome.failed == 0
