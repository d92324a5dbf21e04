"""CLAIR's steps 0 to 6 (docs/clair.md) for one module of LoRA pairs in NumPy, float64.

For side left, a given rank and more than 256 rows. The steps of `libs/clair/src` in order:
compress, unit norm, a sketch of 256 rows, the least trimmed subspace from eight clients' own spaces, the
fit to all clients and a reweighted one, leave-one-out tangents, the threshold at the gap, and the space
lifted to all rows.
"""

import numpy as np

SKETCH_ROWS = 256


def prepare(p, r, clients):
    rng = np.random.default_rng(1)

    def basis():
        return np.linalg.qr(rng.standard_normal((p, r)))[0]

    shared = basis()
    b = np.empty((clients, p, r))
    a = np.empty((clients, r, p))
    for k in range(clients):
        space = basis() if k % 10 < 3 else shared
        turn = np.linalg.qr(rng.standard_normal((r, r)))[0]
        b[k] = space @ turn + rng.normal(0, 0.02 / np.sqrt(r), (p, r))
        a[k] = rng.normal(0, 1 / np.sqrt(p), (r, p))
    bad = np.arange(clients) % 10 < 3

    def run():
        benign, space = clair(b, a, r)
        assert (benign == ~bad).all() and np.isfinite(space).all()

    return run


def clair(b, a, rank, starts=8, keep_starts=3):
    count, p, _ = b.shape
    assert np.isfinite(b).all() and np.isfinite(a).all()
    # Steps 1 and 2: X = Y·Qᵀ with RᵀR = A·Aᵀ, Y = B·Rᵀ; unit norm. Blocks are stored transposed, so that
    # any selection of them is one matrix.
    y = np.linalg.cholesky(a @ a.transpose(0, 2, 1)).transpose(0, 2, 1) @ b.transpose(0, 2, 1)
    y /= np.sqrt(np.einsum("kij,kij->k", y, y))[:, None, None]
    z = (y.reshape(-1, p) @ sign_sketch(p).T).reshape(count, -1, SKETCH_ROWS)
    z /= np.sqrt(np.einsum("kij,kij->k", z, z))[:, None, None]
    stack = z.reshape(-1, SKETCH_ROWS)

    def top(gram):
        return np.linalg.eigh(gram)[1][:, -rank:]

    def gram_of(members):
        own = z[members].reshape(-1, SKETCH_ROWS)
        return own.T @ own

    def inside(space):
        return ((stack @ space) ** 2).reshape(count, -1).sum(axis=1)

    def sines(space):
        return np.sqrt(np.maximum(1 - inside(space), 0))

    # Step 4: the least trimmed subspace.
    h = (count + 1) // 2
    known = {}

    def closest(s):
        members = np.sort(np.argsort(s, kind="stable")[:h])
        return members, (s[members] ** 2).sum()

    def concentrate(members):
        key = members.tobytes()
        if key not in known:
            known[key] = closest(sines(top(gram_of(members))))
        return known[key]

    from_all = top(stack.T @ stack)
    begun = [closest(sines(from_all)), closest(reweighed(stack, from_all, sines, z.shape[1]))]
    for k in np.unique(np.floor(np.linspace(0, count - 1, min(starts, count)) + 0.5).astype(int)):
        begun.append(closest(sines(np.linalg.qr(z[k].T)[0])))
    candidates = [concentrate(concentrate(members)[0]) for members, _ in begun]
    best = None
    for members, objective in sorted(candidates, key=lambda one: one[1])[:keep_starts]:
        for _ in range(50):
            after, objective = concentrate(members)
            if (after == members).all():
                break
            members = after
        if best is None or objective < best[1]:
            best = members, objective

    # Step 5: tangents of the angles to the space fitted without the client; a threshold at their gap.
    members, seen = best[0], set()
    for _ in range(10):
        seen.add(members.tobytes())
        gram = gram_of(members)
        held = inside(top(gram))
        if 1 < len(members) <= 128:
            for k in members:
                space = top(gram - z[k].T @ z[k])
                held[k] = ((z[k] @ space) ** 2).sum()
        tangents = np.sqrt(np.maximum(1 - held, 0) / np.maximum(held, 1e-12))
        benign = tangents <= threshold(tangents, h)
        members = np.flatnonzero(benign)
        if members.tobytes() in seen:
            break
    return benign, lift(y, z, top(gram_of(members)), members)


def sign_sketch(p):
    """A sketch that adds every row to four of 256 rows with random signs.

    The matrix is sparse. It is stored densely here because OpenBLAS multiplies faster than NumPy adds.
    """
    rng = np.random.default_rng(2)
    targets = rng.permuted(np.tile(np.arange(SKETCH_ROWS), (p, 1)), axis=1)[:, :4]
    out = np.zeros((SKETCH_ROWS, p))
    out[targets.ravel(), np.repeat(np.arange(p), 4)] = rng.choice([-0.5, 0.5], 4 * p)
    return out


def reweighed(stack, space, sines, width):
    s, smoothing = sines(space), np.inf
    for _ in range(50):
        smoothing = min(smoothing, max(np.quantile(s, 0.25), 1e-14))
        weights = np.maximum(s, smoothing) ** -2.0
        weights = np.repeat(weights / weights.max(), width)
        after = np.linalg.qr(stack.T @ (weights[:, None] * (stack @ space)))[0]
        moved = np.linalg.norm(after - space @ (space.T @ after))
        space, s = after, sines(after)
        if moved < 1e-12:
            break
    return s


def threshold(tangents, h):
    """The widest gap of at least 1.3 from the H-th on; then again below it while one of 1.6 exists."""
    ordered = np.sort(np.maximum(tangents, 1e-6))
    end, least, cut = len(ordered), 1.3, np.inf
    while end > h:
        ratios = ordered[h:end] / ordered[h - 1 : end - 1]
        widest = int(ratios.argmax())
        if ratios[widest] < least:
            break
        end, least = h + widest, 1.6
        cut = np.sqrt(ordered[end] * ordered[end - 1])
    return cut


def lift(y, z, found, members):
    """Lifts the space to all rows.

    Combines the blocks' columns as the space combines the sketches', then iterates to convergence.
    """
    whole = y[members].reshape(-1, y.shape[2])
    space = np.linalg.qr(whole.T @ (z[members].reshape(-1, z.shape[2]) @ found))[0]
    for _ in range(50):
        after = np.linalg.qr(whole.T @ (whole @ space))[0]
        moved = np.linalg.norm(after - space @ (space.T @ after))
        space = after
        if moved < 1e-12:
            break
    return space
