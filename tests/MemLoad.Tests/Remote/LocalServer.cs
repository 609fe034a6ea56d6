using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MemLoad.Tests.Remote;

/// <summary>The request of a client.</summary>
/// <param name="Path">The path and query, as they were sent.</param>
/// <param name="Headers">The headers, by their names in lower case.</param>
internal sealed record Asked(string Path, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>The first and the last byte of the range; null if the whole file is requested.</summary>
    public (long First, long Last)? Range =>
        Headers.TryGetValue("range", out string? range) && range["bytes=".Length..].Split('-') is [string first, string last]
            ? (long.Parse(first, CultureInfo.InvariantCulture), long.Parse(last, CultureInfo.InvariantCulture))
            : null;
}

/// <summary>The answer of a server, which can be valid or malformed.</summary>
internal sealed record Reply(int Status, byte[] Body, params (string Name, string Value)[] Headers)
{
    /// <summary>The stated Content-Length; null for the correct length, negative for none.</summary>
    public long? StatedLength { get; init; }

    /// <summary>Whether the connection is closed after these bytes of the body.</summary>
    public int? CloseAfter { get; init; }

    /// <summary>Whether nothing follows the headers while the connection stays open.</summary>
    public bool Stalls { get; init; }

    /// <summary>The bytes that are sent instead of an answer.</summary>
    public byte[]? Raw { get; init; }

    /// <summary>Returns a range of a file, as RFC 9110 defines it.</summary>
    public static Reply Of(Asked asked, byte[] file, string? tag = "\"one\"") =>
        Of(asked, file.Length, (first, count) => file.AsSpan((int)first, count).ToArray(), tag);

    /// <summary>Returns a range of a file whose bytes are created on demand.</summary>
    public static Reply Of(Asked asked, long length, Func<long, int, byte[]> read, string? tag = "\"one\"")
    {
        (string, string)[] tags = tag is null ? [] : [("ETag", tag)];
        if (asked.Range is not (long first, long last) || (asked.Headers.TryGetValue("if-range", out string? wanted) && wanted != tag))
        {
            return new Reply(200, read(0, checked((int)length)), tags);
        }
        if (first >= length)
        {
            return new Reply(416, [], [("Content-Range", $"bytes */{length}"), .. tags]);
        }
        last = Math.Min(last, length - 1);
        return new Reply(206, read(first, (int)(last - first + 1)), [("Content-Range", $"bytes {first}-{last}/{length}"), .. tags]);
    }

    public static Reply NotFound { get; } = new(404, "<html>not here</html>"u8.ToArray());

    public static Reply Redirect(string to, int status = 302) => new(status, [], ("Location", to));
}

/// <summary>An HTTP/1.1 server on this machine with the answers of a test, correct or incorrect.</summary>
internal sealed class LocalServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<Asked, Reply> _answer;
    private readonly ConcurrentBag<TcpClient> _clients = [];
    private long _sent;
    private int _active;
    private int _mostActive;

    public LocalServer(Func<Asked, Reply> answer)
    {
        _answer = answer;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _ = AcceptAsync();
    }

    /// <summary>Creates a server of some files.</summary>
    public static LocalServer Of(params (string Name, byte[] Content)[] files) =>
        new(asked =>
            files.FirstOrDefault(file => "/" + Uri.EscapeDataString(file.Name) == asked.Path.Split('?')[0]) is { Name: not null } file
                ? Reply.Of(asked, file.Content)
                : Reply.NotFound);

    /// <summary>Creates a server of the files of a folder and its subfolders.</summary>
    public static LocalServer OfFolder(string folder) =>
        new(asked =>
            Path.Combine(folder, Uri.UnescapeDataString(asked.Path.Split('?')[0][1..])) is string path && File.Exists(path)
                ? Reply.Of(asked, File.ReadAllBytes(path))
                : Reply.NotFound);

    public int Port { get; }

    /// <summary>The requests so far, in their order.</summary>
    public ConcurrentQueue<Asked> Requests { get; } = [];

    /// <summary>The bytes of bodies so far.</summary>
    public long SentBytes => Interlocked.Read(ref _sent);

    /// <summary>The maximum number of concurrent requests.</summary>
    public int MostAtATime => Volatile.Read(ref _mostActive);

    /// <summary>The address of a file. An address has slashes on every system.</summary>
    public string this[string name] =>
        string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}/{name.Replace(Path.DirectorySeparatorChar, '/')}");

    public void Dispose()
    {
        _listener.Dispose();
        foreach (TcpClient client in _clients)
        {
            client.Dispose();
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync().ConfigureAwait(false);
                _clients.Add(client);
                _ = Task.Run(() => ServeAsync(client));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using (client)
            {
                NetworkStream stream = client.GetStream();
                while (await ReadAsync(stream).ConfigureAwait(false) is Asked asked)
                {
                    Requests.Enqueue(asked);
                    int active = Interlocked.Increment(ref _active);
                    for (int most = _mostActive;
                        active > most && Interlocked.CompareExchange(ref _mostActive, active, most) != most;
                        most = _mostActive) { }
                    Reply reply = _answer(asked);
                    await SendAsync(stream, reply).ConfigureAwait(false);
                    Interlocked.Decrement(ref _active);
                    if (reply.Stalls)
                    {
                        await Task.Delay(Timeout.Infinite).ConfigureAwait(false);
                    }
                    if (reply.CloseAfter is not null || reply.Raw is not null || reply.StatedLength is not null)
                    {
                        return;
                    }
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException)
        {
            // The client closed the connection, which is allowed.
        }
    }

    private static async Task<Asked?> ReadAsync(NetworkStream stream)
    {
        var head = new List<byte>();
        byte[] one = new byte[1];
        while (!(head.Count >= 4 && head[^1] == '\n' && head[^2] == '\r' && head[^3] == '\n'))
        {
            if (await stream.ReadAsync(one).ConfigureAwait(false) == 0)
            {
                return null;
            }
            head.Add(one[0]);
        }
        string[] lines = Encoding.ASCII.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        return new Asked(
            lines[0].Split(' ')[1],
            lines.Skip(1).Select(line => line.Split(": ", 2)).ToDictionary(pair => pair[0].ToLowerInvariant(), pair => pair[1]));
    }

    private async Task SendAsync(NetworkStream stream, Reply reply)
    {
        if (reply.Raw is not null)
        {
            await stream.WriteAsync(reply.Raw).ConfigureAwait(false);
            return;
        }
        var head = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {reply.Status} Answer\r\n"));
        foreach ((string name, string value) in reply.Headers)
        {
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        }
        if ((reply.StatedLength ?? reply.Body.Length) is long length and >= 0)
        {
            head.Append(CultureInfo.InvariantCulture, $"Content-Length: {length}\r\n");
        }
        byte[] body = reply.Stalls ? [] : reply.Body[..(reply.CloseAfter ?? reply.Body.Length)];
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head.Append("\r\n").ToString())).ConfigureAwait(false);
        await stream.WriteAsync(body).ConfigureAwait(false);
        Interlocked.Add(ref _sent, body.Length);
    }
}
