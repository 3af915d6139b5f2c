import Sandbox

/// The text of a plan's file, as it was found.
package struct PlanText: Hashable, Sendable {
    /// What errors call the file.
    package let called: String
    package let bytes: [UInt8]
    /// Counts directories from the first to the last: a file that extends its own name means one behind this.
    package let place: Int

    package init(called: String, bytes: [UInt8], place: Int) {
        self.called = called
        self.bytes = bytes
        self.place = place
    }
}

/// Why a plan's file cannot be read, a clause.
package struct PlanUnreadable: Error, Hashable, Sendable {
    let problem: String

    package init(_ problem: String) { self.problem = problem }
}

/// Why a plan is not to be had: everything that is wrong with its files, a sentence each.
package struct PlanProblem: Error, Hashable, Sendable, CustomStringConvertible {
    package let sentences: [String]
    /// Whether there is no file of the name.
    package let isUnknown: Bool

    init(_ sentences: [String], isUnknown: Bool = false) {
        self.sentences = sentences
        self.isUnknown = isUnknown
    }

    package var description: String { sentences.joined(separator: "\n") }
}

/// Reads plans, wherever their files and profiles are.
package struct PlanLibrary {
    private let find: (String, Int) throws(PlanUnreadable) -> PlanText?
    private let names: () -> [String]
    private let profiles: () -> [String]

    /// - Parameters:
    ///   - find: the file of that name in the first directory behind one, by its number; nil where there is none.
    ///   - names: of all plans, for who gave a wrong one.
    ///   - profiles: the names of all profiles.
    package init(
        find: @escaping (String, Int) throws(PlanUnreadable) -> PlanText?, names: @escaping () -> [String],
        profiles: @escaping () -> [String]
    ) {
        self.find = find
        self.names = names
        self.profiles = profiles
    }

    /// How many files may stand in a row.
    package static let depthLimit = 8

    package func plan(_ name: String) throws(PlanProblem) -> Plan {
        let text: PlanText?
        do throws(ValueError) {
            try checkSimpleName(name)
        } catch {
            throw PlanProblem(["plan \(shown(name)): \(error.problem)"])
        }
        do throws(PlanUnreadable) {
            text = try find(name, 0)
        } catch {
            throw PlanProblem(["plan \(shown(name)): \(error.problem)"])
        }
        guard let text else { throw PlanProblem([unknown(name)], isUnknown: true) }
        return try plan(text)
    }

    /// The plan of a file, with all that it extends.
    package func plan(_ first: PlanText) throws(PlanProblem) -> Plan {
        let (read, errors) = PlanFile.read(first.bytes, file: first.called)
        guard errors.isEmpty, let read else { throw PlanProblem(errors.map(\.description)) }
        var chain = [read]
        var place = first.place
        while let last = chain.last, let extends = last.extends {
            let base = try self.base(of: last, extends, behind: place)
            place = base.place
            let (file, errors) = PlanFile.read(base.bytes, file: base.called)
            guard errors.isEmpty, let file else { throw PlanProblem(errors.map(\.description)) }
            if let start = chain.firstIndex(where: { $0.file == file.file }) {
                let way = chain[start...].map { "\($0.file):\($0.extends?.line ?? 1)" } + [file.file]
                throw PlanProblem(last, extends, "leads in a circle: \(way.joined(separator: " -> "))")
            }
            guard chain.count < Self.depthLimit else {
                throw PlanProblem(
                    last, extends, "is one file too many, expected at most \(Self.depthLimit) in a row")
            }
            chain.append(file)
        }
        try checkProfiles(of: chain)
        do throws(ConfigError) {
            return try Plan(chain)
        } catch {
            throw PlanProblem([error.description])
        }
    }

    private func base(
        of file: PlanFile, _ extends: PlanFile.Said<String>, behind place: Int
    ) throws(PlanProblem) -> PlanText {
        let base: PlanText?
        do throws(PlanUnreadable) {
            base = try find(extends.value, extends.value == file.name ? place : 0)
        } catch {
            throw PlanProblem(file, extends, "cannot be followed: \(error.problem)")
        }
        guard let base else {
            throw PlanProblem(file, extends, "cannot be followed: \(unknown(extends.value))")
        }
        return base
    }

    /// Those that hold: what a plan puts in the place of another's list need not be there.
    private func checkProfiles(of chain: [PlanFile]) throws(PlanProblem) {
        guard let file = chain.first(where: { $0.profiles != nil }), let named = file.profiles else { return }
        let known = profiles()
        let wrong = named.filter { !known.contains($0.value) }
        guard !wrong.isEmpty else { return }
        throw PlanProblem(
            wrong.map { said in
                let cure =
                    nearestMatch(to: said.value, in: known).map { "; did you mean \($0)?" }
                    ?? " (known: \(known.joined(separator: ", ")))"
                return file.error(
                    said, "profiles",
                    "the plan \(file.name) names the profile \(quoted(said.value)), which there is not\(cure)"
                ).description
            })
    }

    private func unknown(_ name: String) -> String {
        let known = names()
        let hint = nearestMatch(to: name, in: known).map { "; did you mean \($0)?" } ?? ""
        return "there is no plan \(quoted(name))\(hint) (known: \(known.joined(separator: ", ")))"
    }
}

extension PlanProblem {
    fileprivate init(_ file: PlanFile, _ said: PlanFile.Said<String>, _ problem: String) {
        self.init([file.error(said, "extends", problem).description])
    }
}
