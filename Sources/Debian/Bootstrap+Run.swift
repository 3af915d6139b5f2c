import CLinux
import Glibc
package import Linux

extension Bootstrap {
    /// The machine's package sources.
    package static func machineSources() throws(SystemError) -> [AptSource] {
        var sources: [AptSource] = []
        if let text = try text("/etc/apt/sources.list") { sources += AptSources.list(text) }
        let parts = "/etc/apt/sources.list.d"
        guard unsafe access(parts, R_OK) == 0 else { return sources }
        let names = try FileDescriptor.open(parts, O_RDONLY | O_DIRECTORY).entries(limit: 1000).map(\.name)
        for name in names.sorted() {
            if name.hasSuffix(".list"), let text = try text("\(parts)/\(name)") {
                sources += AptSources.list(text)
            }
            if name.hasSuffix(".sources"), let text = try text("\(parts)/\(name)") {
                sources += AptSources.paragraphs(text)
            }
        }
        return sources
    }

    private static func text(_ path: String) throws(SystemError) -> String? {
        do throws(SystemError) {
            return String(
                decoding: try FileDescriptor.open(path, O_RDONLY).readAll(limit: 1 << 20), as: UTF8.self)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw error
        }
    }

    /// Writes the archive. What the programs say goes to standard error.
    /// - Parameters:
    ///   - directory: where the tree is put together. What is left there after an error is the caller's
    ///     to remove.
    ///   - signals: from before there is anything to remove, so that no signal ends us before that.
    package func run(
        to archive: borrowing FileDescriptor, in directory: String, signals: borrowing HelperSignals
    ) throws(BootstrapError) {
        for path in [Bootstrap.program, Bootstrap.filter] where unsafe access(path, X_OK) != 0 {
            throw .noProgram(path)
        }
        let ends: [(path: String, status: Int32)]?
        do throws(SystemError) {
            ends = try signals.wait(for: try start(archive, directory))
        } catch {
            throw .system(error)
        }
        guard let ends else { throw .interrupted }
        for end in ends where end.status != 0 { throw .failed(end.path, status: end.status) }
    }

    private func start(
        _ archive: borrowing FileDescriptor, _ directory: String
    ) throws(SystemError) -> [Helper] {
        let pipe = try Pipe.make()
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        // Times in the archive are no later than this, so that the same packages make the same tree.
        // 1980, where the times of zip files begin.
        let variables = ["TMPDIR=\(directory)", "LC_ALL=C", "SOURCE_DATE_EPOCH=315532800"]
        let maker = try Helper(
            Bootstrap.program, arguments, variables, [null.number, pipe.writing.number, 2])
        do throws(SystemError) {
            let filter = try Helper(
                Bootstrap.filter, filterArguments, variables, [pipe.reading.number, archive.number, 2])
            return [maker, filter]
        } catch {
            maker.end()
            _ = try? maker.status()
            throw error
        }
    }
}
