//! What people do with a recording: call it something, keep it for a time, look at its pictures, show it to others by a link.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration as Days, OffsetDateTime};

use super::recordings::{header, listed, record, record_to_the_end, state};
use super::screen::{Screen, pixels, present};
use super::support::{PATIENCE, Scene, scene, scene_in, scene_with};

fn in_days(days: i64) -> String {
    (OffsetDateTime::now_utc() + Days::days(days)).format(&Rfc3339).unwrap()
}

async fn ask(scene: &Scene, method: Method, path: &str, body: &Value) -> Response {
    let request = scene.http.request(method, scene.url(path));
    request.header("content-type", "application/json").body(body.to_string()).send().await.unwrap()
}

async fn said(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

/// A link to a recording: its token.
pub async fn link(scene: &Scene, id: &str, wish: Value) -> String {
    let (status, given) =
        said(ask(scene, Method::POST, &format!("/api/recordings/{id}/links"), &wish).await).await;
    assert_eq!(status, 201, "{given}");
    let link = given["link"].as_str().unwrap().to_owned();
    link.strip_prefix(&scene.url("/watch/")).unwrap_or_else(|| panic!("{link}")).to_owned()
}

/// What a link shows.
pub async fn knock(scene: &Scene, token: &str, knock: Value) -> (u16, Value) {
    said(ask(scene, Method::POST, &format!("/api/watch/{token}"), &knock).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_called_as_people_call_it() {
    let scene = scene().await;
    let (_, mut ann, id) = record(&scene).await;
    state(&mut ann, "recording").await;
    let path = format!("/api/recordings/{id}");
    let change = json!({"title": "  Budget\n 山田 "});
    let (status, changed) = said(ask(&scene, Method::PATCH, &path, &change).await).await;
    assert_eq!((status, &changed["title"]), (200, &json!("Budget 山田")));

    ann.tell(json!({"type": "record_stop"})).await;
    state(&mut ann, "ready").await;
    let ready = listed(&scene, &id, |recording| recording["state"] == "ready").await;
    assert_eq!(ready["title"], "Budget 山田", "its recorder's last word says nothing about the title");

    for wrong in [
        json!({"title": "  "}),
        json!({"title": "x".repeat(121)}),
        json!({"title": "a\u{7}b"}),
        json!({"name": "x"}),
        json!([]),
    ] {
        let (status, why) = said(ask(&scene, Method::PATCH, &path, &wrong).await).await;
        assert_eq!((status, &why["error"]), (400, &json!("bad-request")), "{wrong}");
    }
    let nobody = "/api/recordings/00000000-0000-4000-8000-000000000000";
    assert_eq!(ask(&scene, Method::PATCH, nobody, &json!({"title": "x"})).await.status(), 404);
    let foreign =
        scene.http.patch(scene.url(&path)).header("origin", "https://evil.example").body(r#"{"title":"x"}"#);
    assert_eq!(foreign.send().await.unwrap().status(), 403);
    assert_eq!(scene.get_json(&path).await["title"], "Budget 山田");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_kept_as_long_as_it_is_to_be() {
    let scene = scene_with(|config| config.recordings_keep_days = Some(30)).await;
    let kept = record_to_the_end(&scene).await;
    let due = record_to_the_end(&scene).await;
    let path = format!("/api/recordings/{kept}");
    let recording = scene.get_json(&path).await;
    let date = |field: &str| OffsetDateTime::parse(recording[field].as_str().unwrap(), &Rfc3339).unwrap();
    assert_eq!(date("keep_until"), date("started") + Days::days(30));

    let (status, why) =
        said(ask(&scene, Method::PATCH, &path, &json!({"keep_until": in_days(-1)})).await).await;
    assert_eq!(status, 400, "{why}");
    let (status, changed) = said(ask(&scene, Method::PATCH, &path, &json!({"keep_until": null})).await).await;
    assert_eq!((status, &changed["keep_until"]), (200, &Value::Null));
    let soon = (OffsetDateTime::now_utc() + Days::seconds(1)).format(&Rfc3339).unwrap();
    let (status, _) = said(
        ask(&scene, Method::PATCH, &format!("/api/recordings/{due}"), &json!({"keep_until": soon})).await,
    )
    .await;
    assert_eq!(status, 200);

    // The next round comes in half a minute, or with the next start.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let scene = scene_in(scene.stop().await, |_| {}).await;
    let gone = async {
        while scene.get_json("/api/recordings").await["recordings"].as_array().unwrap().len() != 1 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("what was due is deleted");
    assert_eq!(scene.get_json(&path).await["id"], json!(kept));
    for region in ["a", "b"] {
        let left = std::fs::read_dir(scene.data.path().join("regions").join(region)).unwrap();
        let names: Vec<_> = left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert!(names.iter().all(|name| !name.contains(&due)), "{names:?}");
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_shows_one_recording_to_whoever_has_it() {
    let scene = scene().await;
    let id = record_to_the_end(&scene).await;
    let token = link(&scene, &id, json!({})).await;
    let (status, shown) = knock(&scene, &token, json!({})).await;
    assert_eq!((status, &shown["address"]), (200, &json!(format!("/api/watch/{token}"))));
    assert!(shown.get("regions").is_none() && shown.get("id").is_none(), "{shown}");

    let media = scene.http.get(scene.url(&format!("/api/watch/{token}/media"))).header("range", "bytes=0-3");
    let media = media.send().await.unwrap();
    assert_eq!(
        (media.status(), header(&media, "cache-control")),
        (StatusCode::PARTIAL_CONTENT, "public, max-age=300")
    );
    let own = scene.http.get(scene.url(&format!("/api/recordings/{id}/media"))).header("range", "bytes=0-3");
    assert_eq!(media.bytes().await.unwrap(), own.send().await.unwrap().bytes().await.unwrap());

    // It opens nothing else, and its end is its end.
    assert_eq!(ask(&scene, Method::PATCH, &format!("/api/watch/{token}"), &json!({})).await.status(), 405);
    let wrong = format!("{}x", &token[..token.len() - 1]);
    assert_eq!(knock(&scene, &wrong, json!({})).await.0, 404);
    for until in [in_days(-1), in_days(400)] {
        let wish = json!({"until": until});
        assert_eq!(
            ask(&scene, Method::POST, &format!("/api/recordings/{id}/links"), &wish).await.status(),
            400
        );
    }

    // Taken back, it shows nothing; the next one does. Neither survives the recording.
    let links = format!("/api/recordings/{id}/links");
    assert_eq!(ask(&scene, Method::DELETE, &links, &Value::Null).await.status(), 204);
    let (status, why) = knock(&scene, &token, json!({})).await;
    assert_eq!((status, &why["error"]), (410, &json!("link-ended")));
    let next = link(&scene, &id, json!({"until": in_days(1)})).await;
    assert_eq!(knock(&scene, &next, json!({})).await.0, 200);
    assert_eq!(
        ask(&scene, Method::DELETE, &format!("/api/recordings/{id}"), &Value::Null).await.status(),
        200
    );
    let media = scene.http.get(scene.url(&format!("/api/watch/{next}/media"))).send().await.unwrap();
    assert_eq!(media.status(), 410);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_asked_for_once_and_guessed_slowly() {
    let scene = scene().await;
    let id = record_to_the_end(&scene).await;
    let links = format!("/api/recordings/{id}/links");
    assert_eq!(ask(&scene, Method::POST, &links, &json!({"password": "abc"})).await.status(), 400);
    let token = link(&scene, &id, json!({"password": "sesame"})).await;

    let (status, why) = knock(&scene, &token, json!({})).await;
    assert_eq!((status, &why["error"]), (403, &json!("password-needed")));
    assert!(why["message"].as_str().unwrap().contains("password"), "{why}");
    let media = scene.http.get(scene.url(&format!("/api/watch/{token}/media"))).send().await.unwrap();
    assert_eq!(media.status(), 403);
    assert_eq!(knock(&scene, &token, json!({"password": "Sesame"})).await.1["error"], "password-wrong");
    let (status, shown) = knock(&scene, &token, json!({"password": "sesame"})).await;
    assert_eq!(status, 200);
    let address = shown["address"].as_str().unwrap();
    let media = scene.http.get(scene.url(&format!("{address}/media"))).send().await.unwrap();
    assert_eq!(media.status(), 200);

    // Who guesses has to wait, also with the right one; who was let in goes on.
    let mut refused = false;
    for guess in 0..20 {
        let (status, _) = knock(&scene, &token, json!({"password": format!("guess {guess}")})).await;
        refused |= status == 429;
    }
    assert!(refused);
    assert_eq!(knock(&scene, &token, json!({"password": "sesame"})).await.0, 429);
    let media = scene.http.get(scene.url(&format!("{address}/media"))).send().await.unwrap();
    assert_eq!(media.status(), 200);

    // The key outlasts the service.
    let scene = scene_in(scene.stop().await, |_| {}).await;
    assert_eq!(knock(&scene, &token, json!({"password": "sesame"})).await.0, 200);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_without_pictures_says_so() {
    let scene = scene().await;
    let id = record_to_the_end(&scene).await;
    for picture in ["poster", "filmstrip"] {
        let answer =
            scene.http.get(scene.url(&format!("/api/recordings/{id}/{picture}"))).send().await.unwrap();
        let (status, why) = said(answer).await;
        assert_eq!(
            (status, &why["error"]),
            (404, &json!("no-picture")),
            "the example's recorder makes no film"
        );
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_of_the_sound_alone_says_so_and_has_no_pictures() {
    for layout in ["sound", "tracks"] {
        a_recording_without_pictures(layout).await;
    }
}

async fn a_recording_without_pictures(layout: &str) {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    present(&mut ann).await;
    ann.send_screen(Screen::new().show(&pixels(1))).await;
    ann.tell(json!({"type": "record", "layout": layout})).await;
    let id = state(&mut ann, "recording").await["id"].as_str().unwrap().to_owned();
    // The example's recorder makes no sound either.
    listed(&scene, &id, |recording| 100 < recording["bytes"].as_u64().unwrap()).await;
    ann.tell(json!({"type": "record_stop"})).await;
    state(&mut ann, "ready").await;
    assert_eq!(listed(&scene, &id, |recording| recording["state"] == "ready").await["layout"], layout);

    let token = link(&scene, &id, json!({})).await;
    let (_, shown) = knock(&scene, &token, json!({})).await;
    assert_eq!(shown["layout"], layout);
    for address in [format!("/api/recordings/{id}"), format!("/api/watch/{token}")] {
        let get = async |what| scene.http.get(scene.url(&format!("{address}/{what}"))).send().await.unwrap();
        assert_eq!(header(&get("media").await, "content-type"), "audio/webm");
        for picture in ["poster", "filmstrip"] {
            assert_eq!(get(picture).await.status(), StatusCode::NOT_FOUND);
        }
    }
    scene.stop().await;
}
