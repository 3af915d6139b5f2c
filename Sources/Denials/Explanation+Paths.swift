import Glibc
import Linux
import Sandbox

extension Explanation {
    /// What the mounts, then landlock say to a use of a path, in the order in which the kernel asks.
    mutating func decide(_ event: PathEvent, _ rules: SandboxRules) {
        guard decide(callNamed: event.access.call, event.access.arguments, rules) else { return }
        let resolution = rules.view.resolve(event.path, followingLast: event.access != .remove)
        for link in resolution.links {
            guard case .symlink(let target) = link.thing else { continue }
            note(.mounts, "\(link.path) is a link to \(target)", rules.origin(of: link))
        }
        if event.access == .remove, case .thing(let entry) = resolution.outcome, entry.path == "/" {
            deny(.mounts, "/ is the root", nil, .errno(.busy), cure: cures.none)
            return
        }
        switch resolution.outcome {
        case .thing(let entry): decide(event, at: resolution.path, Place(of: entry, rules), rules)
        case .below(let entry): decide(event, at: resolution.path, Place(below: entry, rules), rules)
        case .missing(let directory):
            decide(event, at: resolution.path, Place(missingIn: directory, rules), rules)
        case .magicLink(let link):
            note(.mounts, "\(link) leads to what that process has there: ask about that path")
        case .noDirectory(let path):
            deny(
                .mounts, "the sandbox has no \(path); what it has is listed by the image",
                rules.origin(.image),
                .errno(.noSuchFileOrDirectory), cure: cures.addToImage(path, rules))
        case .notDirectory(let entry):
            deny(
                .mounts, "\(entry.path) is no directory", rules.origin(of: entry), .errno(.notDirectory),
                cure: cures.none)
        case .closed(let entry):
            deny(
                .mounts, "\(entry.path) has a mode that lets processes (uid 1000) not go through",
                rules.origin(of: entry), .errno(.accessDenied), cure: cures.mode(entry, "execute"))
        case .tooManyLinks:
            deny(
                .mounts, "the path leads through more than 40 links", nil, .errno(.tooManyLinks),
                cure: cures.none)
        case .lastNameTooLong
        where event.access == .remove && rules.view.holder(of: resolution.path).thing.isReadOnly:
            // The mount is asked before the name is looked up.
            let holder = rules.view.holder(of: resolution.path)
            decide(event, at: resolution.path, Place(missingIn: holder, rules), rules)
        case .nameTooLong, .lastNameTooLong:
            deny(
                .mounts, "the kernel takes paths of 4095 bytes with names of 255", nil, .errno(.nameTooLong),
                cure: cures.none)
        }
    }

    private mutating func decide(
        _ event: PathEvent, at path: String, _ place: Place, _ rules: SandboxRules
    ) {
        let problem = place.problem(event.access)
        guard problem == nil || problem?.comesAfterLandlock == true else {
            if let problem { deny(problem, place, rules, path) }
            return
        }
        if problem == nil { allow(.mounts, place.says, place.origin) }
        decideByLandlock(event.access, at: path, place, rules)
        if denial == nil, let problem { deny(problem, place, rules, path) }
        for note in place.notes where denial == nil { self.note(.mounts, note) }
    }

    private mutating func deny(
        _ problem: Place.Problem, _ place: Place, _ rules: SandboxRules, _ path: String
    ) {
        let cure =
            switch problem.cure {
            case .none: cures.none
            case .mode(let entry, let what): cures.mode(entry, what)
            case .add: cures.addToImage(path, rules)
            case .writable(let entry): cures.writable(entry, path, rules)
            case .executable(let entry): cures.executable(entry)
            }
        let origin = problem.culprit.map { rules.origin(of: $0) } ?? place.origin
        deny(.mounts, problem.text, origin, .errno(problem.errno), cure: cure)
    }

    private mutating func decideByLandlock(
        _ access: PathEvent.Access, at path: String, _ place: Place, _ rules: SandboxRules
    ) {
        let landlock = rules.landlock
        guard !landlock.files.isEmpty else {
            return note(.landlock, "this kernel restricts no files by landlock")
        }
        let wanted = place.rights(access)
        let known = landlock.rules(at: path).map { "\($0.what) below \($0.path)" }.joined(separator: ", ")
        if landlock.refused(wanted, at: path).isEmpty {
            return allow(.landlock, "allows \(known)")
        }
        deny(
            .landlock, "allows only \(known)", nil, .errno(.accessDenied),
            cure:
                "Landlock lets processes write where the image has a tmpfs and to the workspace; use one of these."
        )
    }

    private var cures: PathCures { PathCures() }
}

extension PathEvent.Access {
    /// The call that the C library makes for it.
    fileprivate var call: String {
        switch self {
        case .read, .write, .create: "openat"
        case .execute: "execve"
        case .truncate: "truncate"
        case .remove: "unlinkat"
        }
    }

    /// As far as a filter can tell calls apart by them: pointers are 0.
    fileprivate var arguments: [UInt64] {
        let here = UInt64(bitPattern: Int64(AT_FDCWD))
        return switch self {
        case .read: [here, 0, UInt64(O_RDONLY | O_CLOEXEC)]
        case .write: [here, 0, UInt64(O_WRONLY | O_CLOEXEC)]
        case .create: [here, 0, UInt64(O_WRONLY | O_CREAT | O_CLOEXEC), 0o666]
        case .execute, .truncate: []
        case .remove: [here, 0, 0]
        }
    }
}

/// Sentences on how to allow what the mounts refuse.
private struct PathCures {
    let none = "Nothing allows it; use another path."

    func addToImage(_ path: String, _ rules: SandboxRules) -> String {
        "Add \(path), or a directory above it, to binds, files or tmpfs of images/\(rules.image.name).yaml."
    }

    func mode(_ entry: MountView.Entry, _ what: String) -> String {
        guard let key = entry.key else { return none }
        return "Give \(key).mode of the image the right to \(what) for others."
    }

    func writable(_ entry: MountView.Entry, _ path: String, _ rules: SandboxRules) -> String {
        if entry.path == rules.image.workspace {
            return "Set filesystem.workspace: writable in the profile."
        }
        return "Write to \(rules.image.workspace) or a tmpfs of the image, or add a tmpfs for it to "
            + "images/\(rules.image.name).yaml; what is shown of the host is always read-only."
    }

    func executable(_ entry: MountView.Entry) -> String {
        guard let key = entry.key else { return none }
        return "Set \(key).executable: true in the image, or put the program into the workspace."
    }
}
