import CYAML

/// The library that reads YAML, as it is linked in.
package enum YAMLLibrary {
    package static var version: String {
        guard let text = unsafe yaml_get_version_string() else { return "unknown" }
        return unsafe String(cString: text)
    }
}
