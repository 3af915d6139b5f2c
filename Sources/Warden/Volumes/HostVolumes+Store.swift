// Where the warden keeps volumes of the host: a directory for each, with the record and the image.

import Glibc
import Linux
import Sandbox
import Volumes
import WardenProtocol

extension HostVolumes {
    func place(of entry: Entry) -> String {
        "\(state ?? "")/\(HostVolumeStore.directory)/\(entry.name)"
    }

    func store(of entry: Entry) throws(Refusal) -> FileDescriptor {
        do throws(SystemError) {
            if let state, let store = try HostVolumeStore.open(in: state, making: false) {
                return try store.open(entry.name)
            }
        } catch {
            throw Refusal(.volumeSystem, "\(place(of: entry)) cannot be opened: \(error)")
        }
        throw Refusal(.volumeSystem, "\(place(of: entry)) is gone")
    }

    func write(_ entry: Entry) throws(Refusal) {
        let store = try store(of: entry)
        do throws(SystemError) {
            try entry.record.write(in: store)
        } catch {
            throw Refusal(
                .volumeSystem, "the record of \(shown(entry.record.path)) cannot be written: \(error)")
        }
    }

    /// Refuses what would have to be written down where nothing can be, before anything is changed.
    /// - Parameter what: what was to be done with the volume.
    func needStore(for path: String, _ what: String) throws(Refusal) {
        do throws(SystemError) {
            guard let state, let store = try HostVolumeStore.open(in: state, making: true) else { return }
            let number = store.descriptor.number
            // Asks nobody but the kernel, which waits for no disk: EROFS, of a file system as of a mount.
            _ = try call("faccessat", on: store.path) { unsafe faccessat(number, ".", W_OK, 0) }
        } catch {
            throw Refusal(
                .volumeSystem, "the volume \(shown(path)) cannot be \(what): \(error)",
                limit: "path")
        }
    }

    func storing(
        _ body: (borrowing HostVolumeStore) throws(SystemError) -> Void
    ) throws(Refusal) {
        do throws(SystemError) {
            guard let state, let store = try HostVolumeStore.open(in: state, making: true) else { return }
            try body(store)
        } catch {
            throw Refusal(.volumeSystem, "\(HostVolumeStore.directory) of the state directory: \(error)")
        }
    }

    /// Where it is mounted in this namespace, on kernels that clone no mount that is in none.
    func room(_ place: String) throws(VolumeError) -> String {
        let path = "\(place)/room"
        if unsafe mkdir(path, 0o700) < 0, errno != EEXIST {
            throw .system("to make \(path)", SystemError("mkdir", path, Errno(rawValue: errno)))
        }
        return path
    }
}
