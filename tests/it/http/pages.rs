//! The pages, as a browser without JavaScript gets them.

use insta::assert_snapshot;
use kyso::http::problem::CATALOGUE;

use super::town::{sample, town};

const BROWSER: (&str, &str) = ("Accept", "text/html,application/xhtml+xml");

#[test]
fn the_form_alone_gives_a_page_with_the_answer() {
    let Some(town) = town() else { return };
    let before = files_in(&town.folder().join("files"));
    let mut changed = town.signed_pdf().to_vec();
    changed[70] ^= 1;
    let files: [(&str, &[u8]); 2] =
        [("Quyết định.pdf", town.signed_pdf()), ("<b>chưa ký</b>.pdf", &sample())];
    let before = before.max(files_in(&town.folder().join("files")));

    let page = town.anon().send_form("/kiem-tra", &[BROWSER], &files);
    assert_snapshot!(page.status(), @"200 OK");
    assert_snapshot!(page.header("content-language"), @"vi");
    let html = page.body();
    assert!(html.starts_with("<!doctype html>") && html.contains("<html lang=\"vi\">"));
    for words in [
        "Chữ ký hợp lệ",
        "Văn bản không có chữ ký số",
        "Văn bản này có 2 chữ ký, của Đặng Thuỳ Hương Giang và Ủy ban nhân dân tỉnh Sông Lam",
        "giờ có xác nhận (dấu thời gian)",
        "thêm một chữ ký",
        "Nên làm gì tiếp",
        "TOTAL-PASSED",
        "download=\"kyso-report.json\" href=\"data:application/json;base64,",
        "download=\"ket-qua-kiem-tra.pdf\" href=\"data:application/pdf;base64,",
        "Nơi cấp chứng thư",
        "Đơn vị quản lý",
        "Trạng thái chứng thư khi ký",
        "Hạn chứng thư",
        "Gốc tin cậy",
        "còn nguyên vẹn",
        "Chính sách kiểm tra",
    ] {
        assert!(html.contains(words), "{words} is not in the page");
    }
    assert!(!html.contains("<b>chưa ký"), "the file's name is text, not markup");
    assert_eq!(files_in(&town.folder().join("files")), before, "the files are not kept");

    let english = town.anon().send_form("/verify", &[BROWSER], &files).body();
    for words in
        ["<html lang=\"en\">", "The signatures are valid", "confirmed by a time-stamp", "What to do next"]
    {
        assert!(english.contains(words), "{words} is not in the page");
    }
}

#[test]
fn a_changed_document_is_called_so() {
    let Some(town) = town() else { return };
    let mut changed = town.signed_pdf().to_vec();
    let at = find(&changed, b"stream").unwrap() + 30;
    changed[at] ^= 1;
    let html = town.anon().send_form("/kiem-tra", &[BROWSER], &[("sửa.pdf", &changed)]).body();
    assert!(html.contains("data-overall=\"invalid\""), "{html}");
    assert!(html.contains("Không hợp lệ") && html.contains("Nên làm gì tiếp"));
    assert!(!html.contains("data-overall=\"valid\""));
}

#[test]
fn the_script_gets_the_results_alone() {
    let Some(town) = town() else { return };
    let part = town.anon().send_form("/verify", &[("X-Kyso-Part", "results")], &[("a.pdf", &sample())]);
    assert!(!part.body().contains("<html"));
    assert!(part.body().contains("data-overall=\"unsigned\""));
    let failed = town.anon().send_form("/verify", &[("X-Kyso-Part", "results")], &[]);
    assert_snapshot!(failed.code(), @"request.malformed");
}

#[test]
fn a_browser_reads_a_page_where_a_program_reads_json() {
    let Some(town) = town() else { return };
    let page = town.anon().get_with("/nowhere", &[BROWSER, ("Accept-Language", "vi")]);
    assert_snapshot!(page.status(), @"404 Not Found");
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.body().contains("Không có gì ở địa chỉ này"));
    assert_snapshot!(town.anon().get("/nowhere").code(), @"route.not-found");
    let wrong_method = town.anon().post_with("/healthz", &[], b"");
    assert_snapshot!(wrong_method.code(), @"request.method-not-allowed");
    assert_snapshot!(wrong_method.header("allow"), @"GET,HEAD");
    let empty = town.anon().send_form("/kiem-tra", &[BROWSER], &[]);
    assert_snapshot!(empty.status(), @"400 Bad Request");
    assert!(empty.body().contains("Yêu cầu không có tệp nào."), "{}", empty.body());
}

#[test]
fn every_page_is_there_in_both_languages_and_every_link_leads_somewhere() {
    let Some(town) = town() else { return };
    let anon = town.anon();
    let mut pages: Vec<String> =
        ["/", "/docs", "/problems", "/kiem-tra", "/verify"].map(str::to_owned).to_vec();
    pages.extend(CATALOGUE.iter().map(|entry| format!("/problems/{}", entry.code)));
    let mut links = std::collections::BTreeSet::new();
    for path in pages {
        for language in ["vi", "en"] {
            let page = anon.get(&format!("{path}?lang={language}"));
            assert_eq!(page.status(), "200 OK", "{path}");
            let html = page.body();
            let fixed = path == "/kiem-tra" || path == "/verify";
            assert!(fixed || html.contains(&format!("<html lang=\"{language}\">")), "{path}");
            assert!(!html.contains("http://") || !html.contains("src=\"http"), "{path} loads from outside");
            for attribute in ["href=\"", "src=\""] {
                links.extend(
                    html.split(attribute).skip(1).filter_map(|rest| Some(rest.split('"').next()?.to_owned())),
                );
            }
        }
    }
    for link in links.iter().filter(|link| link.starts_with('/')) {
        assert_eq!(anon.get(link).status(), "200 OK", "{link}");
    }
    assert!(links.iter().all(|link| link.starts_with(['/', '#'])), "{links:?}");
}

#[test]
fn an_asset_is_not_sent_twice() {
    let Some(town) = town() else { return };
    let first = town.anon().get("/assets/kyso.css");
    let again = town.anon().get_with("/assets/kyso.css", &[("If-None-Match", first.header("etag"))]);
    assert_snapshot!(again.status(), @"304 Not Modified");
    assert!(again.bytes.is_empty());
    assert_eq!(town.anon().get("/assets/..%2f..%2fCargo.toml").status(), "404 Not Found");
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn files_in(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files_in(&entry.path()) } else { 1 }).sum()
}
