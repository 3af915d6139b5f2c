import API
import Sandbox
import Service
import WardenProtocol
import Wire

// Directories of the host that are volumes. The warden has the records, because it has to mount them again when
// nobody else is there yet; what is known here is what it said last.

extension Daemon {
    func createVolume(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.hostVolumeRequest)
        let path = try volumePath(reader.text("path") ?? "")
        auditObject = path
        let adopts = reader.flag("adopt") ?? false
        let bytes = reader.whole("bytes")
        if adopts == (bytes != nil) {
            throw ServiceError(
                .invalid,
                adopts
                    ? "bytes: a volume that is taken up again has its size already"
                    : "bytes: is missing; a volume has a size", field: "bytes",
                hint: adopts ? "leave it out" : "the most bytes that it may hold, set aside at once")
        }
        return try askingLater(.hostVolumeCreate(HostVolumeOrder(path, bytes: bytes))) {
            [weak self] answer, pending in
            guard let self, case .hostVolume(let state) = answer else { return }
            hostVolumes.insert(state.path)
            publish("volume.created", state.path, bytes: state.bytes)
            log.line(.info, "the directory \(state.path) is a volume of \(state.bytes) bytes")
            pending.complete(.json(.object { write(state, to: &$0) }, status: 201))
        }
    }

    func resizeVolume(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.hostVolumeSize)
        let path = try volumePath(reader.text("path") ?? "")
        auditObject = path
        return try askingLater(.hostVolumeResize(path: path, bytes: reader.whole("bytes") ?? 0)) {
            [weak self] answer, pending in
            guard let self, case .hostVolume(let state) = answer else { return }
            publish("volume.resized", path, bytes: state.bytes)
            log.line(.info, "the volume \(path) has \(state.bytes) bytes")
            pending.complete(.json(.object { write(state, to: &$0) }))
        }
    }

    /// Volumes are the operator's: tenants do not hear of each other's directories.
    private func publish(_ type: String, _ path: String, bytes: UInt64?) {
        events.publish(type, session: nil, tenant: nil) { event in
            event.add("message", bytes.map { "\(path), \($0) bytes" } ?? path)
        }
    }

    func listVolumes(_ request: Request) throws(ServiceError) -> Reply {
        try askingLater(.hostVolumeList) { [weak self] answer, pending in
            guard let self, case .hostVolumes(let states) = answer else { return }
            note(states)
            pending.complete(
                .json(
                    .object { object in
                        object.array("volumes") { list in
                            for state in states { list.object { write(state, to: &$0) } }
                        }
                    }))
        }
    }

    func removeVolume(_ request: Request) throws(ServiceError) -> Reply {
        let query = try QueryReader(request, route("removeVolume").query)
        let path = try volumePath(query.text("path") ?? "")
        auditObject = path
        let data = query.text("data").flatMap { HostVolumeData(rawValue: $0) } ?? .nothing
        return try askingLater(.hostVolumeRemove(path: path, data)) { [weak self] _, pending in
            guard let self else { return }
            hostVolumes.remove(path)
            publish("volume.removed", path, bytes: nil)
            log.line(.info, "the directory \(path) is no volume any more")
            pending.complete(.nothing)
        }
    }

    private func volumePath(_ text: String) throws(ServiceError) -> String {
        do throws(ValueError) {
            try checkPath(text)
        } catch {
            throw ServiceError(.invalid, "path: \(error.problem)", field: "path")
        }
        return text
    }

    // MARK: What is known

    /// Asks which there are; the answer is known before that to whatever is asked next.
    func lookAtHostVolumes() {
        link?.send(.hostVolumeList) { [weak self] answer, _ in
            if case .hostVolumes(let states) = answer { self?.note(states) }
        }
    }

    private func note(_ states: [HostVolumeState]) {
        hostVolumes = Set(states.filter { $0.stage != .kept }.map(\.path))
    }

    /// Whether something keeps a limit of this directory of the host.
    func isBelowVolume(_ path: String) -> Bool {
        hostVolumes.contains { path == $0 || isBelow(path, $0) }
    }

    private func write(_ state: HostVolumeState, to object: inout JSONObjectWriter) {
        object.add("path", state.path)
        object.add("state", state.stage.rawValue)
        if !state.problem.isEmpty { object.add("problem", state.problem) }
        object.add("bytes", state.bytes)
        if let used = state.used { object.add("used_bytes", used) }
        object.add("sessions", UInt64(state.users))
        object.add("created", APITime(milliseconds: state.created).description)
    }
}
