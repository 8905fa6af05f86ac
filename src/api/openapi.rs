//! The OpenAPI document of the table.

use serde_json::{Map, Value, json};

use super::body::{FORM, JSON};
use super::routes::Content;
use super::schema::Described;
use super::{Code, Endpoint, PREFIX, Route, Scope};
use crate::guard::rules::Diagnostic;
use crate::seal::Sha256Sum;
use crate::types::LetterId;

/// Every request may be answered so.
const ALWAYS: &[Code] = &[Code::Scope, Code::TooManyRequests, Code::Unavailable];

/// OpenAPI 3.1, as `docs/openapi.json` has it.
pub fn openapi() -> Value {
    let mut paths = Map::new();
    for endpoint in Route::table() {
        let path = format!("{PREFIX}{}", endpoint.path.replace("...}", "}"));
        let item = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(endpoint.method.to_lowercase(), operation(endpoint));
        }
    }
    let codes: Vec<Value> = Code::ALL
        .iter()
        .map(|code| json!({ "code": code.as_str(), "status": code.status(), "sentence": code.sentence() }))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Waxseal", "version": "1", "description":
            "A request without a right key gets the silent answer: 404, and nothing of the API. A key that may not do what is asked for gets the problem scope. HEAD is answered as GET, without the body." },
        "paths": paths,
        "components": {
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
            "schemas": { "Problem": {
                "type": "object",
                "description": "RFC 9457. The codes are those of x-problems.",
                "properties": {
                    "type": { "type": "string", "format": "uri-reference" }, "status": { "type": "integer" },
                    "code": { "type": "string" }, "detail": { "type": "string" },
                    "diagnostics": <Vec<Diagnostic>>::schema(),
                },
                "required": ["type", "status", "code", "detail"],
            } },
        },
        "x-problems": codes,
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let in_path = endpoint.path.split(['{', '}']).skip(1).step_by(2).map(|name| {
        let schema = match name {
            "letter" => LetterId::schema(),
            "sha256" => Sha256Sum::schema(),
            "part" => json!({ "type": "integer", "minimum": 1, "maximum": 10_000 }),
            _ => json!({ "type": "string" }),
        };
        json!({ "name": name.trim_end_matches('.'), "in": "path", "required": true, "schema": schema })
    });
    let in_query = endpoint
        .query
        .iter()
        .map(|name| json!({ "name": name, "in": "query", "schema": { "type": "string" } }));
    let mut responses = Map::new();
    for code in endpoint.problems.iter().copied().flatten().chain(ALWAYS) {
        let response = responses.entry(code.status().to_string()).or_insert_with(|| {
            json!({ "description": "", "content": { "application/problem+json": {
                "schema": { "$ref": "#/components/schemas/Problem" } } } })
        });
        if let Some(Value::String(names)) = response.get_mut("description") {
            *names = [names.as_str(), code.as_str()].join(" ").trim().to_owned();
        }
    }
    let (request, response) = endpoint.route.contents();
    let was_there = response.as_ref().is_some_and(|(_, schema)| schema.pointer("/properties/new").is_some());
    let mut success = json!({ "description": endpoint.summary });
    insert(&mut success, "content", content(response));
    if was_there {
        responses.insert("200".to_owned(), success.clone());
    }
    responses.insert(endpoint.status.to_string(), success);
    let mut operation = json!({
        "operationId": format!("{:?}", endpoint.route), "summary": endpoint.summary,
        "security": [{ "key": endpoint.scope.map(Scope::as_str).as_slice() }],
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(), "responses": responses,
    });
    let request = content(request).map(|content| json!({ "required": true, "content": content }));
    insert(&mut operation, "requestBody", request);
    operation
}

fn insert(object: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(object), Some(value)) = (object.as_object_mut(), value) {
        object.insert(name.to_owned(), value);
    }
}

fn content(body: Content) -> Option<Value> {
    body.map(|(media_type, schema)| match media_type {
        JSON => json!({ media_type: { "schema": schema } }),
        FORM => json!({ media_type: {
            "schema": schema, "encoding": { "letter": { "contentType": JSON } },
            "example": { "letter": { "subject": "Your inspection" }, "report": "%PDF-1.7" },
        } }),
        _ => json!({ media_type: {} }),
    })
}
