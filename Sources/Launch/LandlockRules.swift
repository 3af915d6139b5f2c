import InitPlan
import Sandbox

extension LandlockRuleset {
    /// Adds the steps that make this ruleset; nothing where nothing would be restricted.
    func add(to list: inout StepList) {
        guard !isEmpty else { return }
        list.add(.landlock, "landlock ruleset (ABI \(abi))") { fields in
            fields.integer(files.rawValue)
            fields.integer(tcp.rawValue)
            fields.integer(scopes)
            fields.integer(UInt64(min(abi, 6)))
        }
        for rule in paths {
            list.add(.landlockPath, "landlock: \(rule.what) below \(rule.path)") { fields in
                fields.text(rule.path)
                fields.integer(rule.rights.rawValue)
            }
        }
        for (right, what) in [(TCPRights.bind, "bind"), (.connect, "connect")] {
            for number in ports(right) {
                list.add(.landlockPort, "landlock: \(what) TCP port \(number)") { fields in
                    fields.integer(UInt64(number))
                    fields.integer(right.rawValue)
                }
            }
        }
    }
}
