//! The page and what protects it.

use serde_json::Value;

use super::support::scene;

#[tokio::test(flavor = "multi_thread")]
async fn the_service_says_that_it_is_well() {
    let scene = scene().await;
    let answer = scene.http.get(scene.url("/healthz")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, "ok"));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_address_of_the_client_shows_one_page_and_tells_nothing_of_codes() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut pages = Vec::new();
    for path in ["/", "/recordings", "/000000000", &format!("/{}", meeting.code)] {
        let answer = scene.http.get(scene.url(path)).send().await.unwrap();
        // 503 with a page that says how to build it, when it is not built.
        assert!([200, 503].contains(&answer.status().as_u16()), "{path}");
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
        pages.push((answer.status(), answer.text().await.unwrap()));
    }
    assert!(pages.iter().all(|page| *page == pages[0]));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_are_kept_forever_and_the_page_is_asked_for_again() {
    let scene = scene().await;
    let page = scene.http.get(scene.url("/")).send().await.unwrap();
    let status = page.status();
    let etag = page.headers().get("etag").cloned();
    let cache = page.headers().get("cache-control").cloned();
    let html = page.text().await.unwrap();
    if status == 503 {
        assert!(html.contains("npm run build"), "a page that is not built says how to build it");
    } else {
        assert_eq!(cache.unwrap(), "no-cache");
        let again =
            scene.http.get(scene.url("/")).header("if-none-match", etag.unwrap()).send().await.unwrap();
        assert_eq!(again.status(), 304);
        let script =
            html.split('"').find(|part| part.starts_with("/assets/") && part.ends_with(".js")).unwrap();
        let asset = scene.http.get(scene.url(script)).send().await.unwrap();
        assert_eq!(asset.headers()["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(asset.headers()["content-type"], "text/javascript; charset=utf-8");
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_protected() {
    let scene = scene().await;
    for path in ["/", "/healthz", "/api/recordings", "/nowhere"] {
        let answer = scene.http.get(scene.url(path)).send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map_or("", |value| value.to_str().unwrap());
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert!(header("content-security-policy").contains("'wasm-unsafe-eval'"), "{path}");
        assert!(!header("content-security-policy").contains("unsafe-inline"), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert!(header("strict-transport-security").starts_with("max-age="), "{path}");
    }
    let local = format!("https://localhost:{}/healthz", scene.address.port());
    let answer = scene.http.get(local).send().await.unwrap();
    assert!(!answer.headers().contains_key("strict-transport-security"));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_gets_a_sentence() {
    let scene = scene().await;
    for (method, path, status, error) in [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/12345678", 404, "not-found"),
        ("GET", "/api/nothing", 404, "not-found"),
        ("PUT", "/api/meetings", 405, "method-not-allowed"),
        ("GET", "/ws", 426, "no-websocket"),
    ] {
        let request = scene.http.request(method.parse().unwrap(), scene.url(path));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{method} {path}");
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(body["error"], error, "{method} {path}");
        assert!(body["message"].as_str().unwrap().ends_with('.'), "{body}");
    }
    scene.stop().await;
}
