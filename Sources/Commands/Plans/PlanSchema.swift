import Quotas
import Sandbox
import Wire

/// The JSON Schema of plan files (draft 2020-12), made from the tables that decoding goes by.
enum PlanSchema {
    static var text: String {
        IndentedJSON.text(
            JSONText.object { root in
                root.add("$schema", "https://json-schema.org/draft/2020-12/schema")
                root.add("title", "A plan of Corral")
                root.add("type", "object")
                root.add("additionalProperties", false)
                root.object("properties") { properties in
                    for key in PlanKey.allCases {
                        properties.object(key.rawValue) { property in
                            property.add("description", "\(key.meaning).")
                            value(key, &property)
                        }
                    }
                }
            })
    }

    private static func value(_ key: PlanKey, _ schema: inout JSONObjectWriter) {
        switch key {
        case .description: ProfileSchema.text(&schema, "^[^\\u0000-\\u001f\\u007f]+$", 200)
        case .extends: ProfileSchema.text(&schema, ProfileSchema.name)
        case .profiles:
            schema.array("anyOf") { list in
                list.object { word in word.array("enum") { $0.add("any") } }
                list.object { names in
                    ProfileSchema.list(&names) { ProfileSchema.text(&$0, ProfileSchema.name) }
                }
            }
        case .locked: ProfileSchema.list(&schema, ProfileSchema.lockable)
        case .limits:
            mapping(&schema, zip(PlanKey.limitNames, [PlanKey.memory, PlanKey.cpus]).map { ($0, $1) })
        case .weight: ProfileSchema.quantity(PlanKey.weightRule, &schema)
        case .quotas: mapping(&schema, Quota.enforced.map { ($0.rawValue, $0.rule) })
        }
    }

    private static func mapping(_ schema: inout JSONObjectWriter, _ rows: [(String, Quantity)]) {
        schema.add("type", "object")
        schema.add("additionalProperties", false)
        schema.object("properties") { properties in
            for (name, rule) in rows {
                properties.object(name) { property in
                    property.array("anyOf") { list in
                        list.object { ProfileSchema.quantity(rule, &$0) }
                        list.object { word in word.array("enum") { $0.add("none") } }
                    }
                }
            }
        }
    }
}
