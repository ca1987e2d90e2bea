from gn import *
F32=np.float32
def run(par=.5,sizes=(128,32,1),acts=('tanh','tanh','linear'),seed=1,gain=(.3,1.,.1),bg=.5,prior=(1.,1.,1.),B=120,lam=1e-4,lam1=None,epochs=30,eta=1.,tail=.5,mu=0.,wd=0.,every=10,F=None,ramp=0,rel=True,n_train=None,bprior=1.):
    F=F or scaled(par); W=init(F,sizes,seed,gain,bg); L=len(acts); W0=[[ [w.copy(),b.copy()] for w,b in ws] for ws in W]
    c=CNT['train'].astype(float); off=np.linalg.lstsq(c,EN['train'],rcond=None)[0]
    y=EN['train']-c@off; X=F['train']; N=len(y) if n_train is None else n_train
    first=[np.concatenate([[0],np.cumsum(CNT['train'][:,e])]) for e in range(4)]
    steps=epochs*(N//B); k=0; hist=[]; t0=time.process_time(); prev=None; ltr=None
    vel=[[[0*w,0*b] for w,b in ws] for ws in W]
    for ep in range(epochs):
        perm=np.random.default_rng([seed,ep]).permutation(N)
        for j in range(N//B):
            idx=np.sort(perm[j*B:(j+1)*B]); t=k/steps; k+=1
            et=eta*(1. if t<1-tail else .5*(1+np.cos(np.pi*(t-1+tail)/tail)))
            if ramp and k<=ramp: et*=k/ramp
            lm=lam if lam1 is None else lam*(lam1/lam)**t
            K=np.zeros((B,B)); r=-y[idx].copy(); store=[]; jv=np.zeros(B)
            for e in range(4):
                cn=CNT['train'][idx,e]; pr=np.flatnonzero(cn)
                if not len(pr): store.append(None); continue
                cp=cn[pr]; ends=np.cumsum(cp); st=ends-cp
                rows=np.repeat(first[e][idx[pr]]-st,cp)+np.arange(ends[-1])
                a=X[e][rows]; A=[a];S=[]
                for (w,b),f in zip(W[e],acts):
                    z=a@w;z+=b; a,s=ACT[f](z); A.append(a);S.append(s)
                r[pr]+=np.add.reduceat(a[:,0],st)
                d=S[L-1]; ds=[d]
                for l in range(L-1,0,-1):
                    d=(d@W[e][l][0].T)*S[l-1]; ds.insert(0,d)
                kk=None
                for l in range(L):
                    g=A[l]@A[l].T; g+=F32(bprior)
                    if prior[l]!=1: g*=F32(prior[l])
                    if l<L-1: g*=ds[l]@ds[l].T
                    kk=g if kk is None else kk.__iadd__(g)
                if mu:
                    q=0
                    for l in range(L): q=q+((A[l]@vel[e][l][0]+vel[e][l][1])*ds[l]).sum(1)
                    jv[pr]+=np.add.reduceat(q,st)
                if len(pr)<len(rows): kk=np.add.reduceat(np.add.reduceat(kk,st,0),st,1)
                K[np.ix_(pr,pr)]+=kk; store.append((np.repeat(pr,cp),A,ds))
            tr=np.trace(K)/B
            K[np.diag_indices(B)]+=lm*tr
            try: al=sl.cho_solve(sl.cho_factor(K,overwrite_a=True,check_finite=False),r-mu*jv,check_finite=False)
            except sl.LinAlgError: print('chol fail',k,lm); return None
            for e in range(4):
                for l in range(L):
                    w,b=W[e][l]; vw,vb=vel[e][l]
                    if mu: vw*=F32(mu); vb*=F32(mu)
                    if store[e] is not None:
                        own,A,ds=store[e]; dl=ds[l]*al[own].astype(F32)[:,None]
                        if prior[l]!=1: dl*=F32(prior[l])
                        gw=A[l].T@dl; gb=F32(bprior)*dl.sum(0)
                    elif mu: gw=gb=0
                    else: continue
                    if mu: vw+=gw; vb+=gb; gw,gb=vw,vb
                    w-=F32(et)*gw; b-=F32(et)*gb
                    if wd: w-=F32(wd*et)*w
        if every and (ep+1)%every==0:
            tt=time.process_time()-t0; hist.append((ep+1,round(tt,1),round(mae(W,F,'train',acts,off),3),round(mae(W,F,'validate',acts,off),3))); t0=time.process_time()-tt
    return dict(val=mae(W,F,'validate',acts,off),test=mae(W,F,'test',acts,off),train=mae(W,F,'train',acts,off),cpu=time.process_time()-t0,steps=steps,hist=hist,W=W,off=off,F=F)
def show(**kw):
    v=run(**kw)
    if v: print('val %.3f test %.3f train %.3f | %d steps cpu %.1fs %.2f ms'%(v['val'],v['test'],v['train'],v['steps'],v['cpu'],1e3*v['cpu']/v['steps']),{k:x for k,x in kw.items() if k!='F'},v['hist'],flush=True)
    return v
