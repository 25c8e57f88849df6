// Lays out /openapi.json for reading. Builds elements, never HTML out of text.

const root = document.querySelector("#api");
const words = root.dataset;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const nameOf = (reference) => reference.split("/").pop();

// A schema in a few words: its name as a link, or its shape.
function shape(schema) {
  if (!schema) return "";
  if (schema.$ref) return make("a", { href: `#schema-${nameOf(schema.$ref)}` }, nameOf(schema.$ref));
  const union = schema.oneOf ?? schema.anyOf;
  if (union) {
    const span = make("span");
    union.filter((part) => part.type !== "null").forEach((part, index) => span.append(index ? " | " : "", shape(part)));
    return span;
  }
  if (schema.allOf?.length === 1) return shape(schema.allOf[0]);
  const type = [schema.type ?? "object"].flat().filter((part) => part !== "null").join(" | ");
  if (type === "array") return make("span", {}, "[ ", shape(schema.items), " ]");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  return schema.format ? `${type} (${schema.format})` : type;
}

function table(rows) {
  const body = make("tbody");
  for (const cells of rows) {
    body.append(make("tr", {}, make("th", { scope: "row" }, make("code", {}, cells[0])), ...cells.slice(1).map((cell) => make("td", {}, cell ?? ""))));
  }
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": words.schemas }, make("table", {}, body));
}

function properties(schema) {
  const required = new Set(schema.required ?? []);
  const parts = schema.allOf ? schema.allOf.map((part) => part.properties ?? {}) : [schema.properties ?? {}];
  return Object.entries(Object.assign({}, ...parts)).map(([name, part]) => [
    name, shape(part), required.has(name) ? words.required : "", part.description ?? "",
  ]);
}

function operation(path, method, item, common) {
  const inside = make("div", { class: "inside" });
  if (item.description) inside.append(make("p", {}, item.description));
  const scopes = (item.security ?? []).flatMap((need) => Object.values(need).flat());
  if (scopes.length) inside.append(make("p", {}, `${words.needs}: `, make("code", {}, scopes.join(", "))));
  const parameters = [...common, ...(item.parameters ?? [])];
  if (parameters.length) {
    inside.append(make("h4", {}, words.parameters), table(parameters.map((parameter) => [
      parameter.name, parameter.in, shape(parameter.schema), parameter.required ? words.required : "", parameter.description ?? "",
    ])));
  }
  const bodies = Object.entries(item.requestBody?.content ?? {});
  if (bodies.length) {
    inside.append(make("h4", {}, words.body), table(bodies.map(([type, body]) => [type, shape(body.schema)])));
  }
  inside.append(make("h4", {}, words.answers), table(Object.entries(item.responses ?? {}).map(([status, answer]) => [
    status, answer.description ?? "", shape(Object.values(answer.content ?? {})[0]?.schema),
  ])));
  return make("details", { class: "operation", id: item.operationId ?? `${method}-${path}` },
    make("summary", {},
      make("span", { class: `method ${method}` }, method.toUpperCase()),
      make("code", {}, path),
      make("span", { class: "what" }, item.summary ?? "")),
    inside);
}

function schemaEntry(name, schema) {
  const inside = make("div", { class: "inside" });
  if (schema.description) inside.append(make("p", {}, schema.description));
  const rows = properties(schema);
  if (rows.length) inside.append(table(rows));
  else inside.append(make("p", {}, shape(schema)));
  return make("details", { class: "operation", id: `schema-${name}` }, make("summary", {}, make("code", {}, name)), inside);
}

function layOut(api) {
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths ?? {})) {
    for (const method of ["get", "post", "put", "patch", "delete"]) {
      if (!item[method]) continue;
      const tag = item[method].tags?.[0] ?? "";
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(path, method, item[method], item.parameters ?? []));
    }
  }
  for (const [tag, operations] of groups) root.append(make("h2", { class: "group" }, tag), ...operations);
  root.append(make("h2", { class: "group" }, words.schemas));
  for (const [name, schema] of Object.entries(api.components?.schemas ?? {})) root.append(schemaEntry(name, schema));
}

// A link to a folded part opens it.
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.tagName === "DETAILS") {
    target.open = true;
    target.scrollIntoView();
  }
}

try {
  const answer = await fetch("/openapi.json");
  layOut(await answer.json());
  addEventListener("hashchange", openTarget);
  openTarget();
} catch {
  root.append(make("p", { class: "note" }, words.failed));
}
root.removeAttribute("aria-busy");
