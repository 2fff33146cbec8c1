from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.samples import combination, result

from tfjs_compat.report.pivot import label, pivot, spans
from tfjs_compat.results.case_result import CaseResult


def test_rows_are_models_and_columns_combinations_and_routes() -> None:
    cases = [
        result(model=model, route=route, combination=combination(tensorflow=tensorflow))
        for model in ("zoo:a", "zoo:b", "zoo:c", "zoo:d")
        for tensorflow in ("2.15.0", "2.16.1")
        for route in ("layers", "graph")
    ]
    table = pivot(cases)
    assert table.row_titles == ("model",)
    assert table.column_titles == ("TF", "route")
    assert table.columns == (("2.15.0", "layers"), ("2.15.0", "graph"), ("2.16.1", "layers"), ("2.16.1", "graph"))
    assert [row.heads for row in table.rows] == [("zoo:a",), ("zoo:b",), ("zoo:c",), ("zoo:d",)]
    assert [cell[0].id for cell in table.rows[0].cells] == [case.id for case in cases[:4]]
    assert table.caption == ("tensorflowjs 4.17.0", "Python 3.11", "Keras 3.2.1", "as of today")
    assert table.sums == ("4 of 4",) * 4
    assert [(span.text, span.width) for span in spans(table.columns, 0)] == [("2.15.0", 2), ("2.16.1", 2)]


def test_one_model_in_many_combinations_is_turned() -> None:
    cases = [result(combination=combination(tensorflow=f"2.{minor}.0")) for minor in range(12, 18)]
    table = pivot(cases)
    assert table.row_titles == ("TF",)
    assert (table.column_titles, table.columns) == (("route",), (("layers",),))
    assert len(table.rows) == 6
    assert "model zoo:mlp" in table.caption


def test_two_models_in_many_combinations_are_turned_too() -> None:
    cases = [
        result(combination=combination(tensorflow=f"2.{minor}.0"), model=model)
        for minor in range(10, 20)
        for model in ("zoo:a", "zoo:b")
    ]
    table = pivot(cases)
    assert (table.column_titles, table.columns) == (("model",), (("zoo:a",), ("zoo:b",)))
    assert "route layers" in table.caption


def test_one_case_is_a_table_of_one_cell() -> None:
    table = pivot([result()])
    assert (table.row_titles, table.rows[0].heads) == (("model",), ("zoo:mlp",))
    assert (table.column_titles, table.columns) == (("route",), (("layers",),))
    assert len(table.rows[0].cells) == 1


def test_a_model_without_a_case_has_an_empty_cell() -> None:
    table = pivot([result(model="zoo:a"), result(model="zoo:b"), result(model="zoo:b", route="graph")])
    assert [len(cell) for cell in table.rows[0].cells] == [1, 0]
    assert [len(cell) for cell in table.rows[1].cells] == [1, 1]


def test_no_case_is_no_table() -> None:
    table = pivot([])
    assert table.rows == ()
    assert table.columns == ()


def test_the_requested_keras_shows_where_nothing_else_differs() -> None:
    requested = [combination(keras="3.2.1"), combination(keras="3.2.*")]
    assert pivot([result(combination=each) for each in requested]).row_titles == ("Keras requested",)
    legacy = combination(process_env="legacy-keras")
    table = pivot([result(), result(combination=legacy, keras_in_use="2.16.0")])
    assert [row.heads for row in table.rows] == [("3.2.1", "–"), ("2.16.0", "legacy-keras")]
    assert table.row_titles == ("Keras", "with")


def test_what_all_combinations_add_is_in_the_caption() -> None:
    pinned = {"constraints": ("ydf<0.13",), "extra": ("pandas",)}
    requested = [combination(**pinned), combination(process_env="legacy-keras", overrides=("numpy<2",), **pinned)]
    table = pivot([result(combination=each) for each in requested])
    assert [row.heads for row in table.rows] == [("–",), ("legacy-keras override numpy<2",)]
    assert "with +pandas ydf<0.13" in table.caption


def test_a_head_alone_says_what_it_is() -> None:
    assert label(("TF", "with", "route"), ("2.16.1", "–", "graph")) == ["TF 2.16.1", "graph"]


@given(
    st.lists(
        st.builds(
            lambda model, route, tensorflow, env: result(
                model=model, route=route, combination=combination(tensorflow=tensorflow, process_env=env)
            ),
            st.sampled_from(["a", "b", "c"]),
            st.sampled_from(["layers", "graph"]),
            st.sampled_from([f"2.{minor}" for minor in range(8)]),
            st.sampled_from(["default", "legacy-keras"]),
        ),
        max_size=30,
    )
)
def test_every_case_is_in_the_table_once(cases: list[CaseResult]) -> None:
    table = pivot(cases)
    assert sorted(id(case) for row in table.rows for cell in row.cells for case in cell) == sorted(map(id, cases))
    assert {len(row.cells) for row in table.rows} <= {len(table.columns)}
    assert {len(row.heads) for row in table.rows} <= {len(table.row_titles)}
    assert {len(column) for column in table.columns} <= {len(table.column_titles)}
    assert not cases or table.column_titles
