import Glibc
import Linux
import TestSupport
import Testing
import Trees
import Workspace

/// Random operations on a workspace and on a model of it, which must stay the same.
@Suite struct ModelTests {
    /// What is at a path, as far as these operations can tell.
    private enum Node: Hashable {
        case directory
        case file([UInt8])
        case link(String)
    }

    /// Paths in normal form, each with what is there; the workspace itself is not among them.
    private struct Model {
        var nodes: [String: Node] = [:]

        private func parent(_ path: String) -> String {
            path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        }

        /// What keeps a name from being used: a name on the way that is not there, or that is a file.
        func wayIsBlocked(_ path: String) -> WorkspaceError.Code? {
            let above = parent(path)
            if above.isEmpty { return nil }
            if let blocked = wayIsBlocked(above) { return blocked }
            switch nodes[above] {
            case .directory: return nil
            case nil: return .notFound
            case .file: return .notDirectory
            // Links of this model lead to nothing.
            case .link: return .notFound
            }
        }

        func below(_ path: String) -> [String] { nodes.keys.filter { $0.hasPrefix("\(path)/") } }

        mutating func write(_ path: String, _ bytes: [UInt8], replacing: Bool) -> WorkspaceError.Code? {
            if let blocked = wayIsBlocked(path) { return blocked }
            if nodes[path] == .directory { return .isDirectory }
            if nodes[path] != nil, !replacing { return .exists }
            nodes[path] = .file(bytes)
            return nil
        }

        mutating func append(_ path: String, _ bytes: [UInt8]) -> WorkspaceError.Code? {
            if let blocked = wayIsBlocked(path) { return blocked }
            switch nodes[path] {
            case nil: nodes[path] = .file(bytes)
            case .file(let old): nodes[path] = .file(old + bytes)
            case .directory: return .isDirectory
            case .link: return .notRegular
            }
            return nil
        }

        mutating func makeDirectory(_ path: String) -> WorkspaceError.Code? {
            if let blocked = wayIsBlocked(path) { return blocked }
            if nodes[path] != nil { return .exists }
            nodes[path] = .directory
            return nil
        }

        mutating func makeLink(_ path: String) -> Bool {
            if wayIsBlocked(path) != nil || nodes[path] != nil { return false }
            nodes[path] = .link("nowhere")
            return true
        }

        mutating func remove(_ path: String, recursive: Bool) -> WorkspaceError.Code? {
            if let blocked = wayIsBlocked(path) { return blocked }
            guard nodes[path] != nil else { return recursive ? nil : .notFound }
            let inside = below(path)
            if !inside.isEmpty, !recursive { return .notEmpty }
            for gone in inside + [path] { nodes[gone] = nil }
            return nil
        }

        mutating func transfer(_ source: String, _ target: String, moving: Bool) -> WorkspaceError.Code? {
            if let blocked = wayIsBlocked(source) { return blocked }
            // A copy looks at its source before it looks for its place, a move the other way round.
            if !moving, nodes[source] == nil { return .notFound }
            if let blocked = wayIsBlocked(target) { return blocked }
            guard let node = nodes[source] else { return .notFound }
            if nodes[target] != nil { return .exists }
            if target.hasPrefix("\(source)/") { return .intoItself }
            for path in below(source) { nodes[target + path.dropFirst(source.count)] = nodes[path] }
            nodes[target] = node
            if moving { for path in below(source) + [source] { nodes[path] = nil } }
            return nil
        }
    }

    /// What is on the disk, read by paths and not by what is tested.
    private func disk(_ root: String, _ prefix: String = "") throws -> [String: Node] {
        var nodes: [String: Node] = [:]
        for name in File.names(in: "\(root)/\(prefix)") {
            let path = prefix + name
            if let target = File.target(ofLink: "\(root)/\(path)") {
                nodes[path] = .link(target)
            } else if File.names(in: "\(root)/\(path)/..").isEmpty {
                nodes[path] = .file(try File.read("\(root)/\(path)"))
            } else {
                nodes[path] = .directory
                nodes.merge(try disk(root, "\(path)/")) { $1 }
            }
        }
        return nodes
    }

    @Test(arguments: Effort.isFull ? Array(1...20) : [1, 2])
    func `two thousand operations leave what the model says`(seed: Int) throws {
        let yard = try Yard()
        var model = Model()
        var numbers = Seeded(UInt64(seed))
        var succeeded = 0
        for step in 0..<2000 {
            let (path, other) = (randomPath(&numbers), randomPath(&numbers))
            let bytes = [UInt8](repeating: UInt8(step % 251), count: Int(numbers.next() % 9000))
            let expected: WorkspaceError.Code?
            let found: WorkspaceError.Code?
            let what = numbers.next() % 11
            switch what {
            case 0, 1:
                let replacing = what == 0
                expected = model.write(path, bytes, replacing: replacing)
                found = code {
                    let replacement = try yard.files.replace(WorkspacePath(path))
                    try replacement.write(bytes.span)
                    try replacement.commit(replacing: replacing)
                }
            case 2:
                expected = model.append(path, bytes)
                found = code {
                    try yard.files.openToWrite(WorkspacePath(path), .appending, creating: 0o644).write(
                        bytes.span)
                }
            case 3, 4, 5:
                expected = model.makeDirectory(path)
                found = code { try yard.files.makeDirectory(WorkspacePath(path)) }
            case 6:
                expected = model.remove(path, recursive: false)
                found = code { try yard.files.remove(WorkspacePath(path)) }
            case 7:
                let recursive = numbers.next() % 4 == 0
                expected = model.remove(path, recursive: recursive)
                found = code { try yard.files.remove(WorkspacePath(path), recursive: recursive) }
            case 8:
                // The plugin's own doing.
                if model.makeLink(path) { #expect(unsafe symlink("nowhere", yard(path)) == 0) }
                continue
            case 9:
                expected = model.transfer(path, other, moving: true)
                found = code { try yard.files.move(WorkspacePath(path), to: WorkspacePath(other)) }
            default:
                expected = model.transfer(path, other, moving: false)
                found = code { try yard.files.copy(WorkspacePath(path), to: WorkspacePath(other)) }
            }
            if found == nil { succeeded += 1 }
            #expect(found == expected, "step \(step), operation \(what) of \(path) and \(other)")
            if step % 50 == 49 {
                #expect(try disk(yard.directory("inside")) == model.nodes, "after step \(step)")
            }
        }
        #expect(succeeded > 250, "\(succeeded) of 2,000 did anything")
    }

    private func randomPath(_ numbers: inout Seeded) -> String {
        let names = ["a", "b", "c d\n"]
        // Short ones more often, or hardly anything would be there.
        let depth = min(numbers.next() % 4, numbers.next() % 4)
        return (0...depth).map { _ in names[Int(numbers.next() % 3)] }.joined(separator: "/")
    }
}
