import numpy as np, time, scipy.linalg as sl, sys
Q=np.load('/tmp/w/q/dataf.npz'); F32=np.float32
OFF0=np.array([-13.587223,-1029.511138,-2042.009502,-1485.014746])
def groups(s):
    first,sp,g,bf,mv,dv=[Q[f'{s}_{k}'] for k in('first','sp','g','bf','mv','dv')]; Fo=Q[s+'_F'];E=Q[s+'_E']
    out={}
    n=np.diff(first); key=[tuple(sp[first[i]:first[i+1]]) for i in range(len(n))]
    for i in range(len(n)):
        order=np.argsort(sp[first[i]:first[i+1]],kind='stable'); comp=tuple(np.bincount(sp[first[i]:first[i+1]],minlength=4))
        d=np.zeros((n[i],n[i],384,3),F32)
        for a in range(n[i]):
            A=first[i]+a
            for b in range(bf[A],bf[A+1]): d[a,mv[b]-first[i]]=dv[b]
        d=d.transpose(0,1,3,2).reshape(n[i],3*n[i],384)[order]
        o=out.setdefault(comp,dict(g=[],d=[],F=[],E=[],id=[]))
        o['g'].append(g[first[i]:first[i+1]][order]); o['d'].append(d); o['F'].append(Fo[first[i]:first[i+1]].ravel()); o['E'].append(E[i]-np.array(comp)@OFF0); o['id'].append(i)
    return {k:{q:np.array(v) for q,v in o.items()} for k,o in out.items()}
G={s:groups(s) for s in('train','validate','test')}
COLS=[];
for e in range(4):
    u=np.zeros(384,bool)
    for c,o in G['train'].items():
        if c[e]: m0=sum(c[:e]); u|=o['g'][:,m0:m0+c[e]].any((0,1))
    COLS.append(np.flatnonzero(u))
def scale(par):
    T=[]
    for e in range(4):
        x=np.concatenate([o['g'][:,sum(c[:e]):sum(c[:e])+c[e]].reshape(-1,384) for c,o in G['train'].items() if c[e]])[:,COLS[e]].astype(float)
        m=x.mean(0);sd=x.std(0); f=1/np.maximum(sd,1e-4*sd.max())**par; f/=np.sqrt((((x-m)*f)**2).sum(1).mean()); T.append((m,f))
    out={}
    for s in G:
        out[s]={}
        for c,o in G[s].items():
            xs={}
            for e in range(4):
                if c[e]:
                    sl_=slice(sum(c[:e]),sum(c[:e])+c[e]); m,f=T[e]
                    xs[e]=((o['g'][:,sl_][:,:,COLS[e]]-m)*f).astype(F32),(o['d'][:,sl_][...,COLS[e]]*f).astype(F32)
            out[s][c]=xs
    return out
def act(z,k):
    if k=='tanh': t=np.tanh(z); s=1-t*t; return t,s,-2*t*s
    if k=='gaussian': y=np.exp(-z*z); s=-2*z*y; return y,s,(4*z*z-2)*y
    return z,np.ones_like(z),np.zeros_like(z)
def fwd(W,x,d,acts,back=True):
    """x [b,m,c], d [b,m,q,c] -> E[b], dE[b,q], and per-layer (a,adot,delta,deltadot)"""
    A=[(x,d)];S=[]
    for (w,b),k in zip(W,acts):
        a,ad=A[-1]; z=a@w+b; zd=ad@w; y,s,s2=act(z,k); S.append((s,s2,zd)); A.append((y,s[:,:,None]*zd))
    E=A[-1][0][...,0].sum(1); dE=A[-1][1][...,0].sum(1)
    if not back: return E,dE
    L=len(W); de=np.ones_like(A[-1][0]); dd=np.zeros_like(A[-1][1]); out=[None]*L
    for l in range(L-1,-1,-1):
        if l<L-1:
            s,s2,zd=S[l]; u=de@W[l+1][0].T; ud=dd@W[l+1][0].T
            dd=ud*s[:,:,None]+(u*s2)[:,:,None]*zd; de=u*s
        out[l]=(A[l][0],A[l][1],de,dd)
    return E,dE,out
def evaluate(W,X,s,acts,off):
    se=sf=nf=ne=0
    for c,o in G[s].items():
        E=np.array(c)@off-o['E']; Fm=-o['F']*1.
        for e,(x,d) in X[s][c].items():
            a,b=fwd(W[e],x,d,acts,False); E=E+a; Fm=Fm-b
        se+=np.abs(E).sum()/sum(c); ne+=len(E); sf+=np.abs(Fm).sum(); nf+=Fm.size
    return round(1e3*se/ne,3),round(1e3*sf/nf,2)
def run(X,par=.5,sizes=(128,32,1),acts=('tanh','tanh','linear'),seed=1,gain=(.2,1,.1),bg=.3,B=20,lam=1e-4,mu=.9,epochs=8,tail=.5,wf=.3,ramp=20,bprior=3.,every=2,eta=1.,tmax=1e9,q=None):
    W=[]
    for e in range(4):
        sz=(len(COLS[e]),)+sizes; ws=[]
        for l in range(len(sz)-1):
            r=np.random.default_rng([seed,e,l]); sd=gain[l]*(1 if l==0 else sz[l]**-.5)
            ws.append([r.normal(0,sd,(sz[l],sz[l+1])).astype(F32),(r.normal(0,1,sz[l+1])*(bg if l<len(sz)-2 else 0)).astype(F32)])
        W.append(ws)
    L=len(acts); tr=G['train']; comps=list(tr)
    cm=np.concatenate([np.repeat([c],len(tr[c]['E']),0) for c in comps]).astype(float); off=np.linalg.lstsq(cm,np.concatenate([tr[c]['E'] for c in comps]),rcond=None)[0]
    ids=np.concatenate([[ (k,i) for i in range(len(tr[c]['E']))] for k,c in enumerate(comps)]); N=len(ids)
    P=[sum(w.size+b.size for w,b in W[e]) for e in range(4)]; vel=[np.zeros(p,F32) for p in P]
    steps=epochs*(N//B); k=0; t0=time.process_time(); hist=[]; sb=F32(np.sqrt(bprior))
    for ep in range(epochs):
        perm=np.random.default_rng([seed,ep]).permutation(N)
        for j in range(N//B):
            sel=ids[perm[j*B:(j+1)*B]]; t=k/steps; k+=1
            et=eta*(1. if t<1-tail else .5*(1+np.cos(np.pi*(t-1+tail)/tail)))*min(1,k/max(ramp,1))
            blocks=[[] for _ in range(4)]; res=[]; R=0
            for gi,c in enumerate(comps):
                ii=sel[sel[:,0]==gi,1]
                if not len(ii): continue
                b=len(ii); n3=3*sum(c); rows=b*(1+n3); E=np.array(c)@off-tr[c]['E'][ii]; Fm=-tr[c]['F'][ii]; nq=n3
                if q:
                    rg=np.random.default_rng([seed,77,k,gi]); pr=np.linalg.qr(rg.normal(size=(b,n3,min(q,n3))))[0].transpose(0,2,1); Fm=np.einsum('bqk,bk->bq',pr,Fm); pr=pr.astype(F32); n3=pr.shape[1]; rows=b*(1+n3)
                for e,(x,d) in X['train'][c].items():
                    di=d[ii]
                    if q: di=pr[:,None]@di
                    a_,b_,out=fwd(W[e],x[ii],di,acts); E=E+a_; Fm=Fm-b_
                    J=np.empty((b,1+n3,P[e]),F32); p=0
                    for l in range(L):
                        a,ad,de,dd=out[l]; m=a.shape[1]; ni,no=a.shape[2],de.shape[2]
                        J[:,0,p:p+ni*no]=(a.transpose(0,2,1)@de).reshape(b,-1)
                        # force rows: -(sum_m ad de + a dd) ; layout [b,q,2m,*]
                        left=np.concatenate([ad.transpose(0,2,3,1),np.broadcast_to(a.transpose(0,2,1)[:,None],(b,n3,ni,m))],3)
                        right=np.concatenate([np.broadcast_to(de[:,None],(b,n3,m,no)),dd.transpose(0,2,1,3)],2)
                        J[:,1:,p:p+ni*no]=(left@(right*F32(-wf))).reshape(b,n3,-1); p+=ni*no
                        J[:,0,p:p+no]=sb*de.sum(1); J[:,1:,p:p+no]=-sb*F32(wf)*dd.sum(1); p+=no
                    blocks[e].append((R,R+rows,J.reshape(rows,-1)))
                res.append(np.concatenate([E[:,None],wf*Fm],1).ravel()); R+=rows
            r=np.concatenate(res); K=np.zeros((R,R)); Js=[]
            for e in range(4):
                if not blocks[e]: Js.append(None); continue
                J=np.concatenate([q_[2] for q_ in blocks[e]]) if len(blocks[e])>1 else blocks[e][0][2]
                rr=np.concatenate([np.arange(q_[0],q_[1]) for q_ in blocks[e]]); Js.append((rr,J))
                K[np.ix_(rr,rr)]+=J@J.T
                if mu: r[rr]-=mu*(J@vel[e])
            K[np.diag_indices(R)]+=lam*np.trace(K)/R
            try: al=sl.cho_solve(sl.cho_factor(K,overwrite_a=True,check_finite=False),r,check_finite=False).astype(F32)
            except sl.LinAlgError: print('chol'); return
            for e in range(4):
                vel[e]*=F32(mu)
                if Js[e] is not None: rr,J=Js[e]; vel[e]+=al[rr]@J
                p=0
                for w,b in W[e]:
                    w-=F32(et)*vel[e][p:p+w.size].reshape(w.shape); p+=w.size
                    b-=F32(et)*sb*vel[e][p:p+b.size]; p+=b.size
        if time.process_time()-t0>tmax: break
        if every and (ep+1)%every==0: tt=time.process_time()-t0; hist.append((ep+1,round(tt,1),evaluate(W,X,'validate',acts,off))); t0=time.process_time()-tt
    cpu=time.process_time()-t0
    return dict(val=evaluate(W,X,'validate',acts,off),test=evaluate(W,X,'test',acts,off),train=evaluate(W,X,'train',acts,off),cpu=round(cpu,1),ms=round(1e3*cpu/steps,1),hist=hist,steps=steps)
def show(X,**kw):
    v=run(X,**kw); print({k:x for k,x in (v or {}).items()},kw,flush=True)
