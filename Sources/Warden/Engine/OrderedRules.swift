import Glibc
import Launch
import Linux
import Preparation
import Sandbox
import WardenProtocol

/// From an order to the rules of its sandbox, read from the operator's own files each time: what is known or
/// was stored of them counts as long as the files are the same (``RememberedRules``).
struct OrderedRules {
    private let installation: Installation
    private let cache: Held<FileDescriptor>?
    private var remembered = RememberedRules()

    init(_ installation: Installation) {
        self.installation = installation
        switch StateDirectory.cache() {
        case .some(let directory): cache = Held(directory)
        case .none: cache = nil
        }
    }

    /// - Throws: `order` for names and values that are wrong, `ceiling` for what the operator does not allow.
    mutating func read(_ order: SessionOrder, _ ceilings: Ceilings) throws(Refusal) -> LaunchRules {
        try ceilings.check(order)
        let variant = RulesVariant(
            hostDirectory: order.directory != nil, terminal: ceilings.terminals, image: order.image)
        let rules: LaunchRules
        let own: Profile
        do throws(PreparationError) {
            let found = installation.renewed
            // A second descriptor of it: a box cannot lend its value as an optional one.
            let copy = try? cache?.value.duplicate()
            let read = try remembered.rules(order.profile, variant, of: found, cache: copy)
            own = read.profile
            rules = try LaunchRules(read, overrides: order.overrides)
        } catch {
            throw Refusal(.order, error.description)
        }
        try ceilings.check(rules.profile, own: own)
        return rules
    }
}
