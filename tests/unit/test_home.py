

def test_a_home_that_duckdb_cannot_open_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="has a \\? in its name"):
        Home(tmp_path / "home?").prepare()
    assert not list(tmp_path.iterdir())
