//! The story: one decision from draft to a proof that stands alone, told through the API as a portal would.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    DemoError, Town,
    town::{AGENCY_KEY, LEADER_KEY, Office},
};
use crate::ledger::{Proof, VerifierKey};

/// The story, a step at a time.
pub struct Story<'a> {
    town: &'a Town,
    api: Api,
    folder: PathBuf,
    began: Instant,
    steps: usize,
}

/// The documents of the demo, written for kyso.
const DECISION: &[u8] = include_bytes!("../../samples/quyet-dinh.pdf");

impl<'a> Story<'a> {
    /// Tells the story to the server at `base_url`; what people would keep goes into `folder`.
    pub fn new(town: &'a Town, base_url: &str, folder: PathBuf) -> Self {
        Self { town, api: Api::new(base_url), folder, began: stopwatch(), steps: 0 }
    }

    /// From the first step to the last. The first step that does not hold ends it.
    ///
    /// # Errors
    ///
    /// [`DemoError::Step`], which names the step and what was seen instead.
    pub fn tell(mut self) -> Result<Duration, DemoError> {
        let leader = self.town.office.leader.clone().unwrap_or_default();
        let clerk = self.town.office.clerk.clone();

        let document =
            self.step("Văn thư tải dự thảo lên · the clerk brings in the draft", |story| {
                let document = story.api.post_pdf("/api/v1/documents", &clerk, "quyet-dinh.pdf", DECISION)?;
                let note = format!("{} bytes, sha256 {}…", document["size"], short(&document["sha256"]));
                Ok((text(&document, "id")?, note))
            })?;

        self.step("Cấp số và ký hiệu · number and symbol from a gap-free series", |story| {
            let request = json!({
                "documentType": "quyet-dinh",
                "issuer": "UBND",
                "date": "2026-01-05",
                "subject": "Về việc khen thưởng cá nhân có thành tích xuất sắc trong phong trào thi đua chuyển đổi số năm 2025",
                "signer": { "capacity": "TM.", "name": "Đặng Thuỳ Hương Giang", "position": "Chủ tịch" },
            });
            let number = story.api.post(&format!("/api/v1/documents/{document}/number"), &clerk, &request)?;
            let shown = text(&number, "text")?;
            expect(shown == "01/QĐ-UBND", || format!("the number is {shown}, not 01/QĐ-UBND"))?;
            Ok(((), format!("Số: {shown}")))
        })?;

        self.sign(
            &document,
            &leader,
            LEADER_KEY,
            "Lãnh đạo ký phê duyệt · the leader's token signs, the handwriting is seen",
            1,
        )?;
        self.sign(
            &document,
            &clerk,
            AGENCY_KEY,
            "Văn thư ký phát hành · the agency's token signs, the seal is seen",
            2,
        )?;

        let recipients: Vec<_> =
            self.town.recipients.iter().map(|office| office.agency.code.as_str()).collect();
        let dispatch =
            self.step("Gửi ba cơ quan · sent to three agencies, each event a ledger leaf", |story| {
                let request = json!({ "document": document, "recipients": recipients });
                let dispatch = story.api.post("/api/v1/dispatches", &clerk, &request)?;
                let deliveries = dispatch["deliveries"].as_array().map_or(0, Vec::len);
                expect(deliveries == recipients.len(), || format!("{deliveries} deliveries"))?;
                Ok((text(&dispatch, "id")?, format!("{deliveries} deliveries")))
            })?;

        let mut deliveries = Vec::new();
        for office in &self.town.recipients {
            deliveries.push(self.arrive(office)?);
        }
        self.accept(&self.town.recipients[0], &deliveries[0])?;
        self.refuse(&self.town.recipients[2], &deliveries[2])?;

        let event = self.step("Bên gửi theo dõi · the sender follows the dispatch", |story| {
            let dispatch = story.api.get(&format!("/api/v1/dispatches/{dispatch}"), &clerk)?;
            let states = states(&dispatch);
            expect(states == ["accepted", "arrived", "refused"], || format!("the states are {states:?}"))?;
            let event = accepted_event(&dispatch).ok_or_else(|| wrong("no event says 03"))?;
            Ok((event, states.join(", ")))
        })?;

        self.step("Bằng chứng ngoại tuyến · the acceptance proven with no server", |story| {
            let proof = story.api.get_text(&format!("/api/v1/events/{event}/proof"), &clerk)?;
            let key = story.town.service.ledger_key();
            let path = story.folder.join("tiep-nhan.tlog-proof");
            std::fs::write(&path, &proof)?;
            check_proof(&proof, key)?;
            let spoiled = spoil(&proof);
            expect(check_proof(&spoiled, key).is_err(), || "a changed proof is still accepted".to_owned())?;
            Ok(((), path.display().to_string()))
        })?;
        Ok(self.began.elapsed())
    }

    fn sign(
        &mut self,
        document: &str,
        who: &str,
        key: &str,
        words: &str,
        nth: usize,
    ) -> Result<(), DemoError> {
        self.step(words, |story| {
            // The seal finds its place at the leader's picture.
            let looks = if nth == 1 {
                json!({ "role": "approve", "anchor": "CHỦ TỊCH" })
            } else {
                json!({ "role": "issue" })
            };
            let request = json!({ "signer": key, "location": "Sông Lam", "appearance": looks });
            let signed =
                story.api.post(&format!("/api/v1/documents/{document}/signatures"), who, &request)?;
            let signature = &signed["signature"];
            let by = text(signature, "signedBy")?;
            let passed = signature["indication"] == "TOTAL-PASSED";
            expect(passed, || format!("the new signature is {}", signature["indication"]))?;
            let bytes = story.api.get_bytes(&format!("/api/v1/documents/{document}/content"), who)?;
            let path = story.folder.join(format!("quyet-dinh.ky-{nth}.pdf"));
            std::fs::write(&path, bytes)?;
            Ok(((), format!("{by}, {}", text(signature, "signatureFormat")?)))
        })
    }

    fn arrive(&mut self, office: &Office) -> Result<String, DemoError> {
        self.step(&format!("Đến {} · 01 arrived", office.agency.name), |story| {
            let inbox = story.api.get("/api/v1/deliveries", &office.clerk)?;
            let delivery = inbox["items"].get(0).ok_or_else(|| wrong("the inbox is empty"))?;
            let id = text(delivery, "id")?;
            let arrived =
                story.api.post(&format!("/api/v1/deliveries/{id}/arrive"), &office.clerk, &json!({}))?;
            expect(arrived["state"] == "arrived", || format!("the state is {}", arrived["state"]))?;
            Ok((id, "arrived".to_owned()))
        })
    }

    /// The recipient looks for itself before it accepts; the server looks again.
    fn accept(&mut self, office: &Office, delivery: &str) -> Result<(), DemoError> {
        let name = office.agency.name.clone();
        self.step(&format!("{name} kiểm tra rồi tiếp nhận · verified, then 03 accepted"), |story| {
            let path = format!("/api/v1/deliveries/{delivery}");
            let bytes = story.api.get_bytes(&format!("{path}/document"), &office.clerk)?;
            let report =
                story.api.post_pdf("/api/v1/verifications", &office.clerk, "quyet-dinh.pdf", &bytes)?;
            let overall = &report["documents"][0]["overall"];
            expect(*overall == "valid", || format!("the verdict is {overall}"))?;
            let mut changed = bytes;
            let middle = changed.len() / 4;
            changed[middle] ^= 1;
            let report = story.api.post_pdf("/api/v1/verifications", &office.clerk, "changed.pdf", &changed);
            let valid = report.is_ok_and(|report| report["documents"][0]["overall"] == "valid");
            expect(!valid, || "a file with a changed bit is still valid".to_owned())?;
            let accepted = story.api.post(&format!("{path}/accept"), &office.clerk, &json!({}))?;
            expect(accepted["state"] == "accepted", || format!("the state is {}", accepted["state"]))?;
            Ok(((), "valid, accepted; one changed bit is not valid".to_owned()))
        })
    }

    fn refuse(&mut self, office: &Office, delivery: &str) -> Result<(), DemoError> {
        let name = office.agency.name.clone();
        self.step(&format!("{name} từ chối · 02 refused, with a reason"), |story| {
            let reason = json!({ "reason": "Gửi không đúng cơ quan có thẩm quyền giải quyết" });
            let refused =
                story.api.post(&format!("/api/v1/deliveries/{delivery}/refuse"), &office.clerk, &reason)?;
            expect(refused["state"] == "refused", || format!("the state is {}", refused["state"]))?;
            Ok(((), "refused".to_owned()))
        })
    }

    /// Runs a step and prints it with its result and the time taken.
    fn step<T>(
        &mut self,
        words: &str,
        act: impl FnOnce(&Self) -> Result<(T, String), DemoError>,
    ) -> Result<T, DemoError> {
        self.steps += 1;
        let (number, began) = (self.steps, stopwatch());
        let outcome = act(self);
        let took = began.elapsed().as_millis();
        match outcome {
            Ok((value, note)) => {
                println!("  ✔ {number:>2}  {words}\n        {note}  ({took} ms)");
                Ok(value)
            }
            Err(error) => {
                println!("  ✖ {number:>2}  {words}  ({took} ms)");
                Err(DemoError::Step { number, words: words.to_owned(), source: Box::new(error) })
            }
        }
    }
}

fn check_proof(proof: &str, key: &VerifierKey) -> Result<(), DemoError> {
    let proof = Proof::parse(proof).map_err(|error| wrong(&error.to_string()))?;
    proof.check(key).map_err(|error| wrong(&error.to_string()))?;
    Ok(())
}

/// The proof with one character of its first hash changed.
fn spoil(proof: &str) -> String {
    let mut lines: Vec<String> = proof.lines().map(str::to_owned).collect();
    let extra = lines.iter_mut().find(|line| line.starts_with("extra "));
    if let Some(line) = extra {
        let other = if line.as_bytes().get(10) == Some(&b'A') { "B" } else { "A" };
        line.replace_range(10..11, other);
    }
    lines.join("\n") + "\n"
}

fn states(dispatch: &Value) -> Vec<String> {
    let deliveries = dispatch["deliveries"].as_array().cloned().unwrap_or_default();
    deliveries.iter().filter_map(|delivery| delivery["state"].as_str().map(str::to_owned)).collect()
}

fn accepted_event(dispatch: &Value) -> Option<String> {
    let deliveries = dispatch["deliveries"].as_array()?;
    let mut events = deliveries.iter().filter_map(|delivery| delivery["events"].as_array()).flatten();
    events.find(|event| event["code"] == "03")?["id"].as_str().map(str::to_owned)
}

fn text(value: &Value, key: &str) -> Result<String, DemoError> {
    value[key].as_str().map(str::to_owned).ok_or_else(|| wrong(&format!("the answer has no {key}: {value}")))
}

fn short(value: &Value) -> &str {
    value.as_str().and_then(|text| text.get(..12)).unwrap_or_default()
}

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), DemoError> {
    if holds { Ok(()) } else { Err(wrong(&otherwise())) }
}

fn wrong(what: &str) -> DemoError {
    DemoError::Unexpected { what: what.to_owned() }
}

fn stopwatch() -> Instant {
    Instant::now()
}

/// A portal's side of the API.
struct Api {
    agent: ureq::Agent,
    base_url: String,
}

impl Api {
    fn new(base_url: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
        Self { agent: config.into(), base_url: base_url.to_owned() }
    }

    fn get(&self, path: &str, key: &str) -> Result<Value, DemoError> {
        Ok(serde_json::from_slice(&self.get_bytes(path, key)?)?)
    }

    fn get_text(&self, path: &str, key: &str) -> Result<String, DemoError> {
        String::from_utf8(self.get_bytes(path, key)?).map_err(|_| wrong("the answer is not text"))
    }

    fn get_bytes(&self, path: &str, key: &str) -> Result<Vec<u8>, DemoError> {
        let request = self.agent.get(self.url(path)).header("Authorization", bearer(key));
        answer(path, request.call())
    }

    fn post(&self, path: &str, key: &str, body: &Value) -> Result<Value, DemoError> {
        self.send(path, key, "application/json", &[], body.to_string().as_bytes())
    }

    fn post_pdf(&self, path: &str, key: &str, name: &str, bytes: &[u8]) -> Result<Value, DemoError> {
        let name = format!("attachment; filename=\"{name}\"");
        self.send(path, key, "application/pdf", &[("Content-Disposition", &name)], bytes)
    }

    fn send(
        &self,
        path: &str,
        key: &str,
        kind: &str,
        more: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Value, DemoError> {
        let once = uuid::Builder::from_random_bytes(crate::base::Chance::system().bytes()).into_uuid();
        let mut request = self
            .agent
            .post(self.url(path))
            .header("Authorization", bearer(key))
            .header("Content-Type", kind)
            .header("Idempotency-Key", once.to_string());
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        Ok(serde_json::from_slice(&answer(path, request.send(body))?)?)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }
}

fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}

fn answer(
    path: &str,
    response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Vec<u8>, DemoError> {
    let mut response = response.map_err(|error| wrong(&format!("{path}: {error}")))?;
    let body = response.body_mut().with_config().limit(64 * 1024 * 1024).read_to_vec();
    let body = body.map_err(|error| wrong(&format!("{path}: {error}")))?;
    let status = response.status();
    expect(status.is_success(), || format!("{path} answered {status}: {}", String::from_utf8_lossy(&body)))?;
    Ok(body)
}
