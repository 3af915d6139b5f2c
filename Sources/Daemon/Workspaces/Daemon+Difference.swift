import API
import Linux
import Service
import Sessions
import Trees
import Wire
import Workspace

// What differs between a snapshot of a workspace and the workspace, or another snapshot. Pages are computed on
// threads; between two of them nothing is kept here.

extension Daemon {
    /// Descriptors that a page takes at most: of each tree the directories on the way, and what is compared.
    private static let mostDescriptors = 220

    func diffWorkspace(_ request: Request) throws(ServiceError) -> Reply {
        let query = try QueryReader(request, route("diffWorkspace").query)
        let name = try workspace(request).name
        guard let from = query.text("from") else {
            throw ServiceError(.invalid, "from: is missing", field: "from", hint: "the name of a snapshot")
        }
        let after = try query.text("after").map { (text) throws(ServiceError) in
            try filed("after") { () throws(WorkspaceError) in try WorkspacePath(text) }
        }
        let tenant = try scope(request).tenant
        let old = try volumeWithFiles("\(name)@\(from)", of: tenant)
        let new = try volumeWithFiles(
            query.text("to").map { "\(name)@\($0)" } ?? name.description, of: tenant)
        guard DescriptorRoom.has(Self.mostDescriptors, beside: 2) else {
            throw ServiceError(
                .limit, "corrald has too few descriptors left to compare trees", hint: "try again later")
        }
        let believed = believedBefore(old, new)
        let pending = Pending()
        let fail = { (error: ServiceError) in pending.fail(error) }
        let isWanted = { !pending.isOver }
        let jobs = try fileJobs()
        try top(of: .volume(old), isWanted) { [weak self] result in
            guard let self else { return }
            do throws(ServiceError) {
                let before = try result.get()
                try top(of: .volume(new), isWanted) { result in
                    do throws(ServiceError) {
                        let now = try result.get()
                        try jobs.run(for: .volume(new)) { () throws(ServiceError) in
                            try Daemon.page(before, now, believed, after)
                        } then: { result in
                            switch result {
                            case .success(let page): pending.complete(.json(page.json))
                            case .failure(let error): fail(error)
                            }
                        }
                    } catch {
                        fail(error)
                    }
                }
            } catch {
                fail(error)
            }
        }
        return .later(pending)
    }

    /// The second before the earlier of the two was asked for: what changed later has later times.
    private func believedBefore(_ old: WorkspaceVolume, _ new: WorkspaceVolume) -> Int? {
        let moments = [old, new].compactMap { volume -> Int64? in
            guard case .snapshot(let key) = volume else { return nil }
            return workspaces[key]?.created
        }
        return moments.min().map { Int($0 / 1000) - 1 }
    }

    private static func page(
        _ old: Parcel<FileDescriptor>, _ new: Parcel<FileDescriptor>, _ believedBefore: Int?,
        _ after: WorkspacePath?
    ) throws(ServiceError) -> TreeDifference.Page {
        let (old, new) = (try held(old), try held(new))
        return try filed { () throws(WorkspaceError) in
            try TreeDifference.page(
                from: old.value, to: new.value, believedBefore: believedBefore, after: after)
        }
    }

    private static func held(_ top: Parcel<FileDescriptor>) throws(ServiceError) -> Held<FileDescriptor> {
        switch top.take() {
        case .some(let top): return Held(top)
        case .none: throw ServiceError(.fault, "a workspace is taken once")
        }
    }
}

extension TreeDifference.Page {
    fileprivate var json: JSONText {
        .object { object in
            object.array("changes") { list in
                for entry in entries { list.object { entry.write(to: &$0) } }
            }
            object.add("skipped", skipped)
            if let next { object.add("next", next.description) }
        }
    }
}

extension TreeDifference.Entry {
    fileprivate func write(to object: inout JSONObjectWriter) {
        object.add("change", change.rawValue)
        object.add("path", path)
        object.add("type", kind.typeName)
        object.array("what") { list in
            for word in what.sorted() { list.add(word == "kind" ? "type" : word) }
        }
    }
}
