import Wire

/// One thing that `corral doctor` looked at.
struct DoctorFinding: Sendable, Hashable {
    enum State: String, Sendable {
        case ok
        /// Works, with less than there could be.
        case warning
        /// Something that a run needs is not there.
        case failed
    }

    let name: String
    let state: State
    /// What was found.
    let what: String
    /// Why that matters; nil where all is well.
    let why: String?
    /// One line that helps; nil where none is known.
    let cure: String?

    static func ok(_ name: String, _ what: String) -> DoctorFinding {
        DoctorFinding(name: name, state: .ok, what: what, why: nil, cure: nil)
    }

    static func warning(_ name: String, _ what: String, why: String, cure: String?) -> DoctorFinding {
        DoctorFinding(name: name, state: .warning, what: what, why: why, cure: cure)
    }

    static func failed(_ name: String, _ what: String, why: String, cure: String?) -> DoctorFinding {
        DoctorFinding(name: name, state: .failed, what: what, why: why, cure: cure)
    }
}

/// All findings, as they are printed.
struct Diagnosis: Sendable, Hashable {
    let findings: [DoctorFinding]

    /// Whether sandboxes can be started and a daemon can serve; warnings do not count.
    var isWell: Bool { findings.allSatisfy { $0.state != .failed } }

    func text(_ style: Style) -> String {
        let width = findings.map(\.name.count).max() ?? 0
        return findings.map { finding in
            let padding = String(repeating: " ", count: width - finding.name.count)
            let head = "\(mark(finding.state, style))  \(finding.name)\(padding)  \(finding.what)"
            let more = [("why", finding.why), ("cure", finding.cure)].compactMap { label, text in
                text.map { "         \(label): \($0)" }
            }
            return ([head] + more).joined(separator: "\n")
        }.joined(separator: "\n")
    }

    private func mark(_ state: DoctorFinding.State, _ style: Style) -> String {
        switch state {
        case .ok: style.green("ok     ")
        case .warning: style.yellow("warning")
        case .failed: style.red("FAILED ")
        }
    }

    var json: JSONText {
        JSONText.object { object in
            object.add("ok", isWell)
            object.array("findings") { list in
                for finding in findings {
                    list.object { object in
                        object.add("name", finding.name)
                        object.add("state", finding.state.rawValue)
                        object.add("what", finding.what)
                        object.add("why", finding.why)
                        object.add("cure", finding.cure)
                    }
                }
            }
        }
    }
}
