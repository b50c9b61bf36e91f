//! The sheet for uploading by hand.

use duijie_sdk::{Class, Outcome};
use serde_json::{Value, json};

use super::{activity, call, config, host, is, pointers, refused, row, with};

fn fill(config: Value, rows: Value) -> String {
    call(&host(config), "resource.sheet", json!({ "rows": rows })).unwrap()["content"].as_str().unwrap().to_owned()
}

#[test]
fn a_sheet_has_a_byte_order_mark_headings_and_lines_of_rfc_4180() {
    let mut quoted = activity();
    quoted["summary"] = json!("他说:\"好\",\n再来");
    assert_eq!(
        fill(config(), json!([quoted])),
        "\u{feff}编号,标题,简介,封面图片地址,内容,地点,开始时间,结束时间,地区编码,链接地址\r\n\
         ACT-20240301-01,春季合唱公益课,\"他说:\"\"好\"\",\n再来\",https://img.campus.example/a.jpg,<p>报名电话 13800000001</p>,\
         市文化馆三楼排练厅,2024-03-09 14:00:00,2024-03-09 16:00:00,330200,https://www.campus.example/activity/1\r\n"
    );
}

#[test]
fn no_cell_is_a_formula() {
    for bad in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1"] {
        let mut evil = row("x");
        evil["title"] = json!(bad);
        let line = fill(config(), json!([evil]));
        assert!(line.contains(&format!(",'{bad},")), "{line}");
    }
}

#[test]
fn the_columns_of_a_category_are_the_links() {
    let columns = json!({ "fields": [
        { "to": "资源名称", "from": "title", "required": true },
        { "to": "=来源", "constant": "市文化馆" },
        { "to": "日期", "from": "startTime", "type": "date", "date_to": "yyyy年MM月dd日" },
        { "to": "讲师", "from": "/extra/teacher" },
        { "to": "标签", "from": "/extra/tags", "type": "list" },
        { "to": "编号", "from": "extId" },
    ]});
    let config = with(json!({ "template": { "course": columns } }));
    let rows = json!([{
        "category": "course", "extId": "c1", "title": "书法", "startTime": "2024-03-09 14:00:00",
        "extra": { "teacher": "甄测生", "tags": ["a", "b"] },
    }]);
    assert_eq!(
        fill(config.clone(), rows),
        "\u{feff}资源名称,'=来源,日期,讲师,标签,编号\r\n书法,市文化馆,2024年03月09日,甄测生,\"[\"\"a\"\",\"\"b\"\"]\",c1\r\n"
    );
    assert!(fill(config, json!([row("n1")])).contains("封面图片地址"));
}

#[test]
fn everything_wrong_is_told_by_row_and_column() {
    let mut other = row("b");
    other["category"] = json!("video");
    let mut untitled = row("c");
    untitled["title"] = json!("");
    let failure = refused(&host(config()), "resource.sheet", json!({ "rows": [row("a"), other, untitled] }));
    is(&failure, Class::InvalidInput, Outcome::NotSent);
    assert_eq!(pointers(&failure), ["/rows/1/category", "/rows/2/title"]);
}

#[test]
fn a_sheet_needs_no_rights_at_the_interface() {
    let sheet = call(&host(json!({})), "resource.sheet", json!({ "rows": [row("a")] })).unwrap();
    assert_eq!(
        (&sheet["category"], &sheet["fileName"], &sheet["contentType"], &sheet["rows"]),
        (&json!("news"), &json!("news.csv"), &json!("text/csv; charset=utf-8"), &json!(1))
    );
}

#[test]
fn five_thousand_rows_make_a_sheet() {
    let rows: Vec<_> = (0..5000).map(|number| row(&format!("r{number}"))).collect();
    assert_eq!(fill(config(), json!(rows)).lines().count(), 5001);
}
