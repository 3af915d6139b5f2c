/// One file of a policy. A policy is a list of parts: the first says what becomes of calls that no
/// rule names and brings rules of its own, every other adds rules.
package struct PolicyPart: Hashable, Sendable {
    /// What messages call the file. The last component without `.json` is the part's name.
    package let file: String
    /// The file's text.
    package let json: [UInt8]

    package init(file: String, json: [UInt8]) {
        self.file = file
        self.json = json
    }

    /// `network` of `profiles/seccomp/network.json`.
    package var name: String {
        let name = file.split(separator: "/").last ?? ""
        return String(name.hasSuffix(".json") ? name.dropLast(5) : name)
    }
}

extension [PolicyPart] {
    /// The parts' names in their order, such as `base+network`: names the policy in messages and its
    /// installed filter.
    package var policyName: String { map(\.name).joined(separator: "+") }
}
