using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;

namespace MemLoad;

/// <summary>One request for bytes of a file, and its answer. The time for both together is limited.</summary>
internal sealed class RemoteRequest : IDisposable
{
    private const int PieceBytes = 1 << 16;
    private const int LongestReason = 200;
    private const int MostRetries = 3;

    // Before the first retry, if the server names no pause. Each further pause is twice as long.
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);

    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly RemoteSession _session;
    private readonly string _path;
    private readonly CancellationTokenSource _time;

    /// <summary>Begins a request. Its time begins, too.</summary>
    public RemoteRequest(RemoteSession session, string path)
    {
        _session = session;
        _path = path;
        _time = CancellationTokenSource.CreateLinkedTokenSource(session.Stop);
        _time.CancelAfter(session.Timeout);
    }

    /// <summary>
    /// Sends the request, follows redirects, and returns the answer when its headers are there. A server that is busy (429, 503) is asked
    /// again after the pause that it names, if the pause fits the time of the request.
    /// </summary>
    /// <param name="address">The address. It becomes the address that redirects lead to.</param>
    /// <param name="range">The bytes to request; null for all.</param>
    /// <param name="unchanged">Requests the range only from a file with this tag or date; null for any file.</param>
    /// <exception cref="MemLoadException">ML5203, ML5206, ML5207 or ML5208.</exception>
    public HttpResponseMessage Send(ref Uri address, RangeHeaderValue? range, RangeConditionHeaderValue? unchanged = null)
    {
        int redirects = 0;
        int retries = 0;
        while (true)
        {
            Uri at = address.UserInfo.Length == 0 ? address : new UriBuilder(address) { UserName = "", Password = "" }.Uri;
            using var request = new HttpRequestMessage(HttpMethod.Get, at);
            request.Headers.Range = range;
            request.Headers.IfRange = unchanged;
            HttpResponseMessage answer = Within(() => _session.SendAsync(request, _time.Token));
            if ((int)answer.StatusCode is 301 or 302 or 303 or 307 or 308)
            {
                using (answer)
                {
                    address = RemoteSession.Redirected(address, answer, redirects++, _path);
                }
            }
            else if (IsBusy(answer) && retries < MostRetries && PauseBefore(answer, retries) is TimeSpan pause)
            {
                answer.Dispose();
                _time.Token.WaitHandle.WaitOne(pause);
                retries++;
            }
            else
            {
                return answer;
            }
        }
    }

    /// <summary>The error for the status of an answer (ML5204).</summary>
    public MemLoadException Refusal(HttpResponseMessage answer)
    {
        string reason = answer.ReasonPhrase is { Length: > 0 } phrase ? $" ({Printable.Line(phrase, LongestReason)})" : "";
        return Rules.RemoteStatus.Broken($"the server answers {(int)answer.StatusCode}{reason}", _path, remedy: RemedyFor(answer));
    }

    /// <summary>Refuses an answer with another status, or with a content coding that was not requested.</summary>
    /// <exception cref="MemLoadException">ML5204, ML5205 or ML5206.</exception>
    public void RequireStatus(HttpResponseMessage answer, params ReadOnlySpan<HttpStatusCode> expected)
    {
        if (!expected.Contains(answer.StatusCode))
        {
            throw Refusal(answer);
        }
        if (answer.Content.Headers.ContentEncoding.Any(coding => !coding.Equals("identity", StringComparison.OrdinalIgnoreCase)))
        {
            throw Rules.RemoteAnswer.Broken("the server sends the bytes in a compressed form that was not requested", _path);
        }
    }

    /// <summary>Reads the given number of bytes, which must be the whole answer.</summary>
    /// <exception cref="MemLoadException">ML5206 or ML5208.</exception>
    public byte[] Read(HttpResponseMessage answer, int count)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(count);
        int read = Within(async () =>
        {
            using Stream stream = await answer.Content.ReadAsStreamAsync(_time.Token).ConfigureAwait(false);
            int filled = await stream.ReadAtLeastAsync(bytes, count, throwOnEndOfStream: false, _time.Token).ConfigureAwait(false);
            return filled == count && await stream.ReadAsync(new byte[1], _time.Token).ConfigureAwait(false) > 0 ? count + 1 : filled;
        });
        return read == count ? bytes
            : throw Rules.RemoteAnswer.Broken($"the server sends {(read < count ? $"{read}" : "more")} bytes instead of {count}", _path);
    }

    /// <summary>Reads all bytes of the answer, up to a limit.</summary>
    /// <exception cref="MemLoadException">ML5206, ML5208 or ML5209.</exception>
    public byte[] ReadToEnd(HttpResponseMessage answer, long most)
    {
        if (answer.Content.Headers.ContentLength is long length)
        {
            _session.Spend(length, _path);
            return Read(answer, checked((int)length));
        }
        using var whole = new MemoryStream();
        byte[] piece = new byte[PieceBytes];
        _ = Within(async () =>
        {
            using Stream stream = await answer.Content.ReadAsStreamAsync(_time.Token).ConfigureAwait(false);
            int read;
            while ((read = await stream.ReadAsync(piece, _time.Token).ConfigureAwait(false)) > 0)
            {
                _session.Spend(read, _path);
                whole.Write(piece, 0, read);
                if (whole.Length > most)
                {
                    throw Rules.RemoteLarge.Broken($"the file has more than {most} bytes", _path);
                }
            }
            return true;
        });
        return whole.ToArray();
    }

    public void Dispose() => _time.Dispose();

    private static bool IsBusy(HttpResponseMessage answer) =>
        answer.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable;

    // Null if the pause does not fit the time that is left.
    private TimeSpan? PauseBefore(HttpResponseMessage answer, int retries)
    {
        RetryConditionHeaderValue? named = answer.Headers.RetryAfter;
        TimeSpan pause = named?.Delta ?? (named?.Date - DateTimeOffset.UtcNow) ?? FirstPause * (1 << retries);
        return pause >= _session.Timeout - Stopwatch.GetElapsedTime(_start) ? null : pause > TimeSpan.Zero ? pause : TimeSpan.Zero;
    }

    private static Remedy? RemedyFor(HttpResponseMessage answer) =>
        (int)answer.StatusCode switch
        {
            401 or 403 =>
                "Sign in: set HF_TOKEN to a token of the Hugging Face hub (the server of HF_ENDPOINT), or write the user and password "
                    + "into the address, "
                    + "https://USER:PASSWORD@HOST/. Accept the conditions of the model if the hub asks for it.",
            404 or 410 =>
                "Check the spelling of the address. On the Hugging Face hub, the file is at "
                    + "https://huggingface.co/ORG/NAME/resolve/main/FILE.",
            429 or 503 => answer.Headers.RetryAfter?.Delta is TimeSpan delay
                ? FormattableString.Invariant($"The server is busy. Try again after {delay.TotalSeconds:0} s.")
                : "The server is busy. Try again later.",
            _ => null,
        };

    private T Within<T>(Func<Task<T>> work)
    {
        try
        {
            return work().GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (_session.Stop.IsCancellationRequested)
        {
            throw new OperationCanceledException(_session.Stop);
        }
        catch (OperationCanceledException)
        {
            throw Rules.RemoteSlow.Broken(
                FormattableString.Invariant($"the server did not answer within {_session.Timeout.TotalSeconds:0} s"), _path);
        }
        catch (HttpRequestException e)
            when (e.HttpRequestError
                    is HttpRequestError.InvalidResponse
                        or HttpRequestError.ResponseEnded
                        or HttpRequestError.ConfigurationLimitExceeded)
        {
            throw Rules.RemoteAnswer.Broken($"the response is not a complete HTTP response: {Reason(e)}", _path);
        }
        catch (HttpRequestException e)
        {
            throw Rules.RemoteUnreachable.Broken($"the server cannot be reached: {Reason(e)}", _path);
        }
        catch (IOException e)
        {
            throw Rules.RemoteAnswer.Broken($"the response ends early: {Reason(e)}", _path);
        }
    }

    // The innermost exception says what happened. Messages can have the address of a proxy with its password.
    private static string Reason(Exception e)
    {
        while (e.InnerException is not null)
        {
            e = e.InnerException;
        }
        return Printable.Line(RemoteAddress.Cleaned(e.Message), LongestReason).TrimEnd('.');
    }
}
