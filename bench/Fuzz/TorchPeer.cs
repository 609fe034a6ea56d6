using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;

namespace MemLoad.Fuzz;

/// <summary>The result of one of PyTorch's two readers for a file.</summary>
internal enum PeerStatus : byte
{
    Refused,
    Read,
    TooLarge,
    NotListed,
}

/// <summary>A reading: the SHA-256 of the lines of the tensors, and that of the lines of the plain values.</summary>
internal readonly record struct PeerReading(PeerStatus Status, string Tensors, string Plain);

/// <summary>The results of PyTorch for a file, with weights_only and without.</summary>
internal sealed record PeerAnswer(PeerReading Safe, PeerReading Full, int Tensors);

/// <summary>A Python with PyTorch that reads files from a pipe (bench/peers/pickles.py).</summary>
internal sealed class TorchPeer : IDisposable
{
    private const int ReadingBytes = 65;

    private readonly Process _process;
    private readonly Stream _requests;
    private readonly Stream _answers;

    /// <param name="python">The command, with its first arguments.</param>
    public TorchPeer(string python)
    {
        string[] words = python.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var start = new ProcessStartInfo(words[0])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        string script = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "peers", "pickles.py"));
        foreach (string argument in words[1..].Concat(["-I", "-c", script]))
        {
            start.ArgumentList.Add(argument);
        }
        start.Environment["OMP_NUM_THREADS"] = "1";
        _process = Process.Start(start)!;
        _requests = _process.StandardInput.BaseStream;
        _answers = _process.StandardOutput.BaseStream;
        var version = new StringBuilder();
        for (int b = _answers.ReadByte(); b != '\n'; b = _answers.ReadByte())
        {
            version.Append(
                b < 0
                    ? throw new InvalidOperationException($"'{python}' does not start bench/peers/pickles.py: it needs PyTorch and numpy")
                    : (char)b);
        }
        Version = version.ToString();
    }

    /// <summary>PyTorch's version.</summary>
    public string Version { get; }

    /// <summary>Sends files in the background, because the pipe can be full until answers are read from the other pipe.</summary>
    public Task Send(IEnumerable<byte[]> files, bool details = false) => Task.Run(() =>
    {
        try
        {
            foreach (byte[] file in files)
            {
                byte[] head = new byte[5];
                BinaryPrimitives.WriteInt32LittleEndian(head, file.Length);
                head[4] = details ? (byte)1 : (byte)0;
                _requests.Write(head);
                _requests.Write(file);
            }
            _requests.Flush();
        }
        catch (IOException)
        {
            // Python has ended. The missing answer shows this.
        }
    });

    /// <summary>Returns the next answer; null if Python has ended.</summary>
    public PeerAnswer? Receive()
    {
        byte[] answer = new byte[(2 * ReadingBytes) + 1];
        return _answers.ReadAtLeast(answer, answer.Length, throwOnEndOfStream: false) < answer.Length
            ? null
            : new PeerAnswer(Reading(answer), Reading(answer.AsSpan(ReadingBytes)), answer[^1]);
    }

    /// <summary>Returns the details of the last answer.</summary>
    public string Details()
    {
        byte[] length = new byte[4];
        _answers.ReadExactly(length);
        byte[] text = new byte[BinaryPrimitives.ReadInt32LittleEndian(length)];
        _answers.ReadExactly(text);
        return Encoding.UTF8.GetString(text);
    }

    public void Dispose()
    {
        try
        {
            _requests.Dispose();
        }
        catch (IOException)
        {
        }
        if (!_process.WaitForExit(TimeSpan.FromSeconds(10)))
        {
            _process.Kill();
        }
        _process.Dispose();
    }

    private static PeerReading Reading(ReadOnlySpan<byte> bytes) =>
        new((PeerStatus)bytes[0], Convert.ToHexStringLower(bytes.Slice(1, 32)), Convert.ToHexStringLower(bytes.Slice(33, 32)));
}
