// Objects and their members as JSON Schema 2020-12, which OpenAPI 3.1 uses.

import Wire

extension OpenAPI {
    static func write(_ object: APIObject, to schema: inout JSONObjectWriter) {
        schema.add("type", "object")
        schema.add("description", object.meaning)
        schema.add("additionalProperties", false)
        let required = object.fields.filter(\.isRequired)
        if !required.isEmpty {
            schema.array("required") { list in required.forEach { list.add($0.name) } }
        }
        schema.object("properties") { properties in
            for field in object.fields {
                properties.object(field.name) { property in
                    property.add("description", field.meaning)
                    guard field.mayBeNull else { return write(field.kind, to: &property) }
                    property.array("anyOf") { list in
                        list.object { write(field.kind, to: &$0) }
                        list.object { $0.add("type", "null") }
                    }
                }
            }
        }
    }

    static func write(_ kind: APIField.Kind, to schema: inout JSONObjectWriter) {
        switch kind {
        case .text(let most):
            schema.add("type", "string")
            schema.add("maxLength", most)
        case .word(let words):
            schema.add("type", "string")
            schema.array("enum") { list in words.forEach { list.add($0) } }
        case .whole(let range):
            schema.add("type", "integer")
            schema.add("minimum", range.lowerBound)
            if range.upperBound < .max { schema.add("maximum", range.upperBound) }
        case .signed: schema.add("type", "integer")
        case .flag: schema.add("type", "boolean")
        case .bytes:
            schema.add("type", "string")
            schema.add("contentEncoding", "base64")
        case .time:
            schema.add("type", "string")
            schema.add("format", "date-time")
        case .object(let object): schema.add("$ref", "#/components/schemas/\(object.name)")
        case .list(let inner, let most):
            schema.add("type", "array")
            schema.add("maxItems", most)
            schema.object("items") { write(inner, to: &$0) }
        case .map(let most, let bytes):
            schema.add("type", "object")
            schema.add("maxProperties", most)
            schema.object("additionalProperties") { value in
                value.add("type", "string")
                value.add("maxLength", bytes)
            }
        }
    }
}
