using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.InteropServices;

namespace MemLoad.PlayedCuda;

/// <summary>
/// A CUDA driver that is simulated in host memory. It checks the requirements of the driver API for its callers: a current context, valid
/// handles, and ranges inside one allocation. It records every resource that must be released.
/// </summary>
public static unsafe partial class PlayedDriver
{
    private const int Success = 0;
    private const int InvalidValue = 1;
    private const int OutOfMemory = 2;
    private const int NotInitialized = 3;
    private const int NoDevice = 100;
    private const int InvalidDevice = 101;
    private const int InvalidContext = 201;
    private const int InvalidHandle = 400;
    private const int AlreadyRegistered = 712;
    private const int NotRegistered = 713;
    private const long Page = 4096;

    private static readonly Lock Gate = new();
    private static readonly ConcurrentDictionary<int, nint> Texts = new();

    [ThreadStatic]
    private static Stack<nint>? _current;

    private static PlayedOptions _options = PlayedOptions.Parse(NativeVariable("PLAYED_CUDA"));
    private static PlayedCard[] _cards = [];
    private static int[] _visible = [];
    private static readonly Dictionary<nint, PlayedStream> Streams = [];
    private static readonly SortedList<nint, long> Pinned = [];
    private static bool _started;
    private static bool _failed;
    private static int _calls;
    private static nint _lastHandle = 0x1000;
    private static int _copies;

    /// <summary>The largest number of copies at the same time.</summary>
    public static int MostCopiesAtOnce { get; private set; }

    /// <summary>The peak of the allocated bytes on the first card.</summary>
    public static long PeakAllocated { get; private set; }

    /// <summary>The number of calls that pinned memory.</summary>
    public static int PinCalls { get; private set; }

    /// <summary>The number of contexts on the stack of the calling thread.</summary>
    public static int ContextsOfThread => _current?.Count ?? 0;

    /// <summary>Whether any card has a context.</summary>
    public static bool HasContext => _cards.Any(card => card.Holders > 0);

    /// <summary>Begins again, with other options.</summary>
    public static void Reset(PlayedOptions options)
    {
        PlayedStream[] streams;
        lock (Gate)
        {
            streams = [.. Streams.Values];
            Streams.Clear();
        }
        foreach (PlayedStream stream in streams)
        {
            stream.Dispose();
        }
        lock (Gate)
        {
            foreach (PlayedCard card in _cards)
            {
                card.Memory.Dispose();
            }
            Pinned.Clear();
            _options = options;
            _cards = [.. Enumerable.Range(0, options.Cards).Select(_ => new PlayedCard())];
            _visible = [];
            _started = _failed = false;
            _calls = _copies = MostCopiesAtOnce = PinCalls = 0;
            PeakAllocated = 0;
            _current = null;
        }
    }

    /// <summary>The resources that were not released, one sentence each.</summary>
    public static IReadOnlyList<string> Leaks()
    {
        lock (Gate)
        {
            return
            [
                .. _cards.Where(card => card.Holders > 0).Select(card => $"a context with {card.Holders} holders"),
                .. _cards
                    .Where(card => card.Memory.Count > 0)
                    .Select(card => $"{card.Memory.Count} allocations, {card.Memory.AllocatedBytes} bytes"),
                .. Streams.Count > 0 ? [$"{Streams.Count} streams"] : Array.Empty<string>(),
                .. Pinned.Count > 0 ? [$"{Pinned.Count} pinned ranges"] : Array.Empty<string>(),
                .. ContextsOfThread > 0 ? [$"{ContextsOfThread} contexts on the stack of this thread"] : Array.Empty<string>(),
            ];
        }
    }

    /// <summary>Finds a function of the driver or of the management library.</summary>
    /// <param name="name">The name that the library exports.</param>
    /// <returns>Its address; 0 if there is no such function.</returns>
    public static nint Resolve(string name) => Functions.Value.GetValueOrDefault(name);

    private static readonly Lazy<Dictionary<string, nint>> Functions = new(() =>
        typeof(PlayedDriver)
            .GetMethods(BindingFlags.Static | BindingFlags.NonPublic)
            .Where(method => method.GetCustomAttribute<UnmanagedCallersOnlyAttribute>() is not null)
            .ToDictionary(
                method => method.GetCustomAttribute<UnmanagedCallersOnlyAttribute>()!.EntryPoint!,
                method => method.MethodHandle.GetFunctionPointer()));

    private sealed class PlayedCard
    {
        public PlayedMemory Memory { get; } = new();

        public int Holders { get; set; }
    }

    [UnmanagedCallersOnly(EntryPoint = "cuInit")]
    private static int Init(uint flags)
    {
        if (flags != 0)
        {
            return InvalidValue;
        }
        if (_cards.Length != _options.Cards)
        {
            Reset(_options);
        }
        // The variables are read once, as in the driver. They come from the environment of the process, which the runtime does not update.
        string? visible = NativeVariable("CUDA_VISIBLE_DEVICES");
        _visible = visible is null
            ? [.. Enumerable.Range(0, _options.Cards)]
            :
            [
                .. visible
                    .Split(',')
                    .Select(text => int.TryParse(text, out int number) ? number : -1)
                    .TakeWhile(number => number >= 0 && number < _options.Cards),
            ];
        if (_options.InitResult == 0 && _visible.Length == 0)
        {
            return NoDevice;
        }
        _started = _options.InitResult == 0;
        return _options.InitResult;
    }

    [UnmanagedCallersOnly(EntryPoint = "cuDriverGetVersion")]
    private static int GetVersion(int* version)
    {
        *version = 12080;
        return Success;
    }

    [UnmanagedCallersOnly(EntryPoint = "cuGetErrorName")]
    private static int GetErrorName(int error, byte** text)
    {
        *text = (byte*)Texts.GetOrAdd(error, static error => Marshal.StringToCoTaskMemUTF8(error switch
        {
            InvalidValue => "CUDA_ERROR_INVALID_VALUE",
            OutOfMemory => "CUDA_ERROR_OUT_OF_MEMORY",
            NoDevice => "CUDA_ERROR_NO_DEVICE",
            InvalidContext => "CUDA_ERROR_INVALID_CONTEXT",
            214 => "CUDA_ERROR_ECC_UNCORRECTABLE",
            _ => $"CUDA_ERROR_{error}",
        }));
        return Success;
    }

    [UnmanagedCallersOnly(EntryPoint = "cuGetErrorString")]
    private static int GetErrorText(int error, byte** text)
    {
        *text = (byte*)Texts.GetOrAdd(-error, static error => Marshal.StringToCoTaskMemUTF8($"the text of error {-error}"));
        return Success;
    }

    [UnmanagedCallersOnly(EntryPoint = "cuDeviceGetCount")]
    private static int CountDevices(int* count)
    {
        *count = _visible.Length;
        return _started ? Success : NotInitialized;
    }

    [UnmanagedCallersOnly(EntryPoint = "cuDeviceGet")]
    private static int GetDevice(int* device, int number)
    {
        if (!_started || number < 0 || number >= _visible.Length)
        {
            return _started ? InvalidDevice : NotInitialized;
        }
        *device = _visible[number];
        return Success;
    }

    [UnmanagedCallersOnly(EntryPoint = "cuDeviceGetName")]
    private static int GetName(byte* text, int length, int device) => Write("Played card", text, length);

    [UnmanagedCallersOnly(EntryPoint = "cuDeviceGetPCIBusId")]
    private static int GetBusId(byte* text, int length, int device) => Write(BusIdOf(device), text, length);

    [UnmanagedCallersOnly(EntryPoint = "cuDeviceGetUuid_v2")]
    private static int GetUuid(byte* bytes, int device)
    {
        new Span<byte>(bytes, 16).Fill((byte)device);
        return Success;
    }

    [UnmanagedCallersOnly(EntryPoint = "cuDeviceTotalMem_v2")]
    private static int GetTotalMemory(nuint* bytes, int device)
    {
        *bytes = (nuint)_options.TotalBytes;
        return Success;
    }

    [UnmanagedCallersOnly(EntryPoint = "cuDeviceGetAttribute")]
    private static int GetAttribute(int* value, int attribute, int device)
    {
        const int integrated = 18;
        *value = attribute == integrated && _options.IsIntegrated ? 1 : 0;
        return Success;
    }

    [UnmanagedCallersOnly(EntryPoint = "cuDevicePrimaryCtxRetain")]
    private static int RetainContext(nint* context, int device)
    {
        lock (Gate)
        {
            if (_failed)
            {
                return _options.FailResult;
            }
            if (_cards[device].Holders == 0 && FreeOf(device) < _options.ContextBytes)
            {
                return OutOfMemory;
            }
            _cards[device].Holders++;
            *context = ContextOf(device);
            return Success;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "cuDevicePrimaryCtxRelease_v2")]
    private static int ReleaseContext(int device)
    {
        lock (Gate)
        {
            if (_cards[device].Holders == 0)
            {
                return InvalidContext;
            }
            _cards[device].Holders--;
            return Success;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "cuCtxPushCurrent_v2")]
    private static int PushContext(nint context)
    {
        lock (Gate)
        {
            if (DeviceOf(context) is not int device || _cards[device].Holders == 0)
            {
                return InvalidContext;
            }
        }
        (_current ??= new Stack<nint>()).Push(context);
        return Success;
    }

    [UnmanagedCallersOnly(EntryPoint = "cuCtxPopCurrent_v2")]
    private static int PopContext(nint* context)
    {
        if (_current is not { Count: > 0 })
        {
            return InvalidContext;
        }
        *context = _current.Pop();
        return Success;
    }

    [UnmanagedCallersOnly(EntryPoint = "cuMemGetInfo_v2")]
    private static int GetMemory(nuint* free, nuint* total)
    {
        lock (Gate)
        {
            if (Current(out int device) is int error and not Success)
            {
                return error;
            }
            *free = (nuint)FreeOf(device);
            *total = (nuint)_options.TotalBytes;
            return Success;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "cuMemAlloc_v2")]
    private static int Allocate(ulong* address, nuint bytes)
    {
        lock (Gate)
        {
            if (Working(out int device) is int error and not Success)
            {
                return error;
            }
            if (bytes == 0)
            {
                return InvalidValue;
            }
            if ((long)bytes > FreeOf(device))
            {
                return OutOfMemory;
            }
            *address = _cards[device].Memory.Allocate((long)bytes);
            PeakAllocated = Math.Max(PeakAllocated, _cards[0].Memory.AllocatedBytes);
            return Success;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "cuMemFree_v2")]
    private static int Free(ulong address)
    {
        lock (Gate)
        {
            return Current(out int device) is int error and not Success ? error
                : _cards[device].Memory.Free(address) ? Success
                : InvalidValue;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "cuMemHostRegister_v2")]
    private static int RegisterHost(void* memory, nuint bytes, uint flags)
    {
        lock (Gate)
        {
            if (Current(out _) is int error and not Success)
            {
                return error;
            }
            PinCalls++;
            if (!_options.Pins)
            {
                return OutOfMemory;
            }
            nint start = (nint)memory / (nint)Page * (nint)Page;
            long end = (((nint)memory + (long)bytes + Page - 1) / Page * Page) - start;
            if (Pinned.Any(other => start < other.Key + (nint)other.Value && other.Key < start + (nint)end))
            {
                return AlreadyRegistered;
            }
            Pinned.Add(start, end);
            return Success;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "cuMemHostUnregister")]
    private static int UnregisterHost(void* memory)
    {
        lock (Gate)
        {
            return Current(out _) is int error and not Success ? error
                : Pinned.Remove((nint)memory / (nint)Page * (nint)Page) ? Success
                : NotRegistered;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "cuStreamCreate")]
    private static int CreateStream(nint* stream, uint flags)
    {
        lock (Gate)
        {
            if (Current(out int device) is int error and not Success)
            {
                return error;
            }
            if (Streams.Count >= _options.Streams)
            {
                return OutOfMemory;
            }
            *stream = ++_lastHandle;
            Streams.Add(*stream, new PlayedStream(ContextOf(device), _options.DelayMicroseconds));
            return Success;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "cuStreamDestroy_v2")]
    private static int DestroyStream(nint stream)
    {
        PlayedStream? gone;
        lock (Gate)
        {
            if (Current(out _) is int error and not Success)
            {
                return error;
            }
            if (!Streams.Remove(stream, out gone))
            {
                return InvalidHandle;
            }
        }
        gone.Dispose();
        return Success;
    }

    [UnmanagedCallersOnly(EntryPoint = "cuStreamSynchronize")]
    private static int WaitForStream(nint stream)
    {
        PlayedStream? played;
        lock (Gate)
        {
            if (!Streams.TryGetValue(stream, out played))
            {
                return InvalidHandle;
            }
        }
        played.Wait(); // also if the card has failed, so that no copy is in progress
        return Use(stream, out _, out _);
    }

    [UnmanagedCallersOnly(EntryPoint = "cuMemcpyHtoDAsync_v2")]
    private static int CopyToDevice(ulong target, void* source, nuint bytes, nint stream)
    {
        if (Use(stream, out PlayedStream? played, out PlayedCard? card) is int error and not Success)
        {
            return error;
        }
        bool pinned;
        lock (Gate)
        {
            if (!card!.Memory.Has(target, (long)bytes))
            {
                return InvalidValue;
            }
            pinned = IsPinned((nint)source, (long)bytes);
        }
        // Memory that is not pinned has been read when the call returns. Pinned memory is read when the copy takes place.
        return Copy(played!, pinned, () => card.Memory.Write(target, new ReadOnlySpan<byte>(source, (int)bytes)));
    }

    [UnmanagedCallersOnly(EntryPoint = "cuMemcpyDtoHAsync_v2")]
    private static int CopyToHost(void* target, ulong source, nuint bytes, nint stream)
    {
        if (Use(stream, out PlayedStream? played, out PlayedCard? card) is int error and not Success)
        {
            return error;
        }
        lock (Gate)
        {
            if (!card!.Memory.Has(source, (long)bytes))
            {
                return InvalidValue;
            }
        }
        return Copy(played!, late: true, () =>
        {
            for (long done = 0; done < (long)bytes; done += int.MaxValue / 2)
            {
                card.Memory.Read(
                    source + (ulong)done, new Span<byte>((byte*)target + done, (int)Math.Min((long)bytes - done, int.MaxValue / 2)));
            }
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "cuMemcpyDtoDAsync_v2")]
    private static int CopyOnDevice(ulong target, ulong source, nuint bytes, nint stream)
    {
        if (Use(stream, out PlayedStream? played, out PlayedCard? card) is int error and not Success)
        {
            return error;
        }
        lock (Gate)
        {
            if (!card!.Memory.Has(source, (long)bytes) || !card.Memory.Has(target, (long)bytes))
            {
                return InvalidValue;
            }
        }
        return Copy(played!, late: true, () =>
        {
            byte[] bounce = new byte[(int)Math.Min(bytes, 1 << 20)];
            for (long done = 0; done < (long)bytes; done += bounce.Length)
            {
                Span<byte> piece = bounce.AsSpan(0, (int)Math.Min(bounce.Length, (long)bytes - done));
                card.Memory.Read(source + (ulong)done, piece);
                card.Memory.Write(target + (ulong)done, piece);
            }
        });
    }

    private static int Copy(PlayedStream stream, bool late, Action copy)
    {
        lock (Gate)
        {
            MostCopiesAtOnce = Math.Max(MostCopiesAtOnce, ++_copies);
        }
        Action counted = () =>
        {
            copy();
            lock (Gate)
            {
                _copies--;
            }
        };
        if (late)
        {
            stream.Add(counted);
        }
        else
        {
            stream.Wait();
            counted();
        }
        return Success;
    }

    // A stream that belongs to the current context.
    private static int Use(nint stream, out PlayedStream? played, out PlayedCard? card)
    {
        lock (Gate)
        {
            played = null;
            card = null;
            if (Working(out int device) is int error and not Success)
            {
                return error;
            }
            card = _cards[device];
            return Streams.TryGetValue(stream, out played) && played.Context == ContextOf(device) ? Success : InvalidHandle;
        }
    }

    // The device of the current context, of a card that has not failed yet and does not fail with this call.
    private static int Working(out int device)
    {
        if (Current(out device) is int error and not Success)
        {
            return error;
        }
        if (++_calls >= _options.FailFrom)
        {
            _failed = true;
            return _options.FailResult;
        }
        return Success;
    }

    private static int Current(out int device)
    {
        device = -1;
        if (!_started)
        {
            return NotInitialized;
        }
        if (_current is not { Count: > 0 })
        {
            return InvalidContext;
        }
        device = DeviceOf(_current.Peek())!.Value;
        return _cards[device].Holders == 0 ? 709 : _failed ? _options.FailResult : Success; // CONTEXT_IS_DESTROYED
    }

    private static bool IsPinned(nint address, long bytes) =>
        Pinned.Any(range => address >= range.Key && address + (nint)bytes <= range.Key + (nint)range.Value);

    private static long FreeOf(int device) =>
        Math.Max(
            0,
            _options.TotalBytes
                - _options.OthersBytes
                - (_cards[device].Holders > 0 ? _options.ContextBytes : 0)
                - _cards[device].Memory.AllocatedBytes);

    private static nint ContextOf(int device) => 0x100 + device;

    private static int? DeviceOf(nint context) => context >= 0x100 && context < 0x100 + _cards.Length ? (int)(context - 0x100) : null;

    private static string BusIdOf(int device) => $"0000:{device + 1:x2}:00.0";

    private static int Write(string value, byte* text, int length)
    {
        if (value.Length + 1 > length)
        {
            return InvalidValue;
        }
        for (int i = 0; i < value.Length; i++)
        {
            text[i] = (byte)value[i];
        }
        text[value.Length] = 0;
        return Success;
    }

    private static string? NativeVariable(string name) =>
        OperatingSystem.IsWindows() ? Environment.GetEnvironmentVariable(name) : Marshal.PtrToStringUTF8(GetVariable(name));

    [LibraryImport("libc", EntryPoint = "getenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint GetVariable(string name);
}
