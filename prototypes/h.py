import os,sys,time,json; os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL','3')
import numpy as np, tensorflow as tf
sys.path.insert(0,'/tmp/w/q/annpot/src')
from annpot.training.batch import make_chunk,batch_shapes
from annpot.training.order import batch_records
from annpot.data.atom_tables import AtomTables
D=np.load('/tmp/w/q/data.npz')
SETS=('train','validate','test')
RAW={s:[D[f'{s}_g{e}'].astype(np.float64) for e in range(4)] for s in SETS}
CNT={s:D[f'{s}_counts'] for s in SETS}; FIRST={s:D[f'{s}_first'] for s in SETS}; EN={s:D[f'{s}_e'] for s in SETS}
COLS=[np.flatnonzero(np.any([RAW[s][e].any(0) for s in('train','validate')],0)) for e in range(4)]
def scaled(mode,par=None):
    """list per set of per element arrays, fitted on train"""
    out={s:[] for s in SETS}
    for e in range(4):
        x=RAW['train'][e][:,COLS[e]]; m=x.mean(0); sd=x.std(0)
        for s in SETS:
            y=RAW[s][e][:,COLS[e]]
            if mode=='none': pass
            elif mode=='center': y=y-m
            elif mode=='std': y=(y-m)/np.maximum(sd,1e-3*sd.max())
            elif mode=='pow': y=(y-m)/np.maximum(sd,1e-4*sd.max())**par*sd.max()**(par-1)      # columns sd^(1-par), max 1
            elif mode=='nrm':
                f=sd.max()**(par-1)/np.maximum(sd,1e-4*sd.max())**par; f=f/np.sqrt((((x-m)*f)**2).sum(1).mean()); y=(y-m)*f
            elif mode=='rms': y=(y-m)/np.sqrt((sd**2).mean())
            elif mode=='pca':   # par=(power,scale)
                c=(x-m); lam,V=np.linalg.eigh(c.T@c/len(c)); lam=np.maximum(lam,lam.max()*1e-10)
                p=par; y=(y-m)@V/(lam**(p/2)); z=(c@V)/(lam**(p/2)); y=y/np.sqrt((z**2).sum(1).mean()/z.shape[1])
            elif mode=='stdpca':
                f=np.maximum(sd,1e-3*sd.max()); c=(x-m)/f; lam,V=np.linalg.eigh(c.T@c/len(c)); lam=np.maximum(lam,lam.max()*1e-10)
                p=par; y=((y-m)/f)@V/(lam**(p/2)); z=(c@V)/(lam**(p/2)); y=y/np.sqrt((z**2).sum(1).mean()/z.shape[1])
            out[s].append(y.astype(np.float32))
    return out
ACT={'gaussian':lambda x:tf.exp(-x*x),'tanh':tf.tanh,'silu':tf.nn.silu,'linear':lambda x:x,'relu':tf.nn.relu,'softplus':tf.nn.softplus}
def npact(a,x):
    return {'gaussian':lambda x:np.exp(-x*x),'tanh':np.tanh,'silu':lambda x:x/(1+np.exp(-x)),'linear':lambda x:x,'relu':lambda x:np.maximum(x,0),'softplus':lambda x:np.logaddexp(x,0)}[a](x)
def init(sizes,seed,gain=1.0,kind='glorot',fan=None,bg=0.):
    W=[]
    for e in range(4):
        sz=(len(COLS[e]),)+sizes
        for l in range(len(sz)-1):
            r=np.random.default_rng([seed,e,l])
            nin=fan if (fan and l==0) else sz[l]
            s=np.sqrt(2/(nin+sz[l+1])) if kind=='glorot' else np.sqrt(1/nin)
            g=gain[l] if np.ndim(gain) else gain
            W+= [(r.normal(0,s*g,(sz[l],sz[l+1]))).astype(np.float32),(r.normal(0,1,sz[l+1])*(bg if l<len(sz)-2 else 0)).astype(np.float32)]
    return W
def evaluate(W,F,s,acts,scale=1.,off=0):
    L=len(acts); tot=np.zeros(len(EN[s]))
    for e in range(4):
        x=F[s][e].astype(np.float64)
        for l in range(L):
            w,b=W[2*(e*L+l)],W[2*(e*L+l)+1]; x=npact(acts[l],x@w.astype(np.float64)+b)
        np.add.at(tot,np.repeat(np.arange(len(tot)),CNT[s][:,e]),x[:,0])
    d=tot*scale+CNT[s]@off-EN[s]
    return 1e3*np.abs(d/CNT[s].sum(1)).mean(), 1e3*np.sqrt(((d/CNT[s].sum(1))**2).mean())
class Tab: pass
def offsets():
    c=CNT['train'].astype(float); return np.linalg.lstsq(c,EN['train'],rcond=None)[0]
_prog={}
CHUNK=1000
def program(B,acts,shapes,loss,opt,caps):
    key=(B,acts,shapes,loss,opt,caps)
    if key in _prog: return _prog[key]
    L=len(acts)
    V=[tf.Variable(np.zeros(s,np.float32)) for s in shapes]
    M=[tf.Variable(np.zeros(s,np.float32)) for s in shapes]
    Q=[tf.Variable(np.zeros(s,np.float32)) for s in shapes]
    A=[tf.Variable(np.zeros(s,np.float32)) for s in shapes]
    decay=[1. if len(s)==2 else 0. for s in shapes]
    @tf.function(jit_compile=True,autograph=False)
    def run(tabs,rows,owners,targets,nat,lr,ed,hp,n):
        # hp: b1,b2,eps,wd,l2,t0
        def body(i,tr):
            x=[tf.gather(tabs[e],rows[e][i]) for e in range(4)]
            vals=[tf.convert_to_tensor(v) for v in V]
            with tf.GradientTape(watch_accessed_variables=False) as t:
                t.watch(vals); outs=[]
                for e in range(4):
                    y=x[e]
                    for l in range(L):
                        w,b=vals[2*(e*L+l)],vals[2*(e*L+l)+1]
                        y=ACT[acts[l]](y@w+b)
                    outs.append(y[:,0])
                E=tf.math.unsorted_segment_sum(tf.cast(tf.concat(outs,0),tf.float64),tf.concat([o[i] for o in owners],0),B+1)[:B]
                d=E-targets[i]
                if loss=='quad': ls=tf.reduce_mean(d*d)
                elif loss=='quad_atom': ls=tf.reduce_mean((d/nat[i])**2)
                elif loss=='huber': ls=tf.reduce_mean(tf.sqrt(1+(d/0.01)**2)-1)*1e-4
                elif loss=='abs4': ls=tf.reduce_mean(tf.sqrt(1e-6+d*d))
                ls32=tf.cast(ls,tf.float64)
            g=t.gradient(ls32,vals)
            tt=tf.cast(hp[5]+tf.cast(i,tf.float64)+1,tf.float64)
            corr=tf.sqrt(1-hp[1]**tt)/(1-hp[0]**tt)
            rate=tf.cast(lr[i]*corr,tf.float32); shr=tf.cast(lr[i]*hp[3],tf.float32); eps=tf.cast(hp[2],tf.float32)
            b1=tf.cast(1-hp[0],tf.float32); b2=tf.cast(1-hp[1],tf.float32); l2=tf.cast(2*hp[4],tf.float32); e1=tf.cast(1-ed[i],tf.float32)
            for k in range(len(V)):
                gk=g[k]
                if decay[k]: gk=gk+l2*vals[k]
                m=M[k]+b1*(gk-M[k]); q=Q[k]+b2*(gk*gk-Q[k])
                M[k].assign(m); Q[k].assign(q)
                if opt=='nadam': m=(1-b1)*m+b1*gk
                w=vals[k]-rate*m/(tf.sqrt(q)+eps)
                if decay[k]: w=w-shr*vals[k]
                V[k].assign(w)
                if opt!='noema': A[k].assign(A[k]+e1*(w-A[k]))
            return i+1,tf.tensor_scatter_nd_update(tr,[[i]],[ls])
        return tf.while_loop(lambda i,_:i<n,body,(0,tf.zeros(CHUNK,tf.float64)),parallel_iterations=1)[1]
    _prog[key]=(run,V,M,Q,A); return _prog[key]
BASE=dict(mode='std',par=None,acts=('tanh','tanh','linear'),sizes=(128,32,1),B=20,loss='quad',opt='adam',steps=20000,lr=0.002,sched='cos',warm=500,fac=0.003,
  wd=0.05,l2=0.,b1=.9,b2=.999,eps=1e-7,ema=0.99,seed=1,gain=1.0,kind='glorot',off='ls',scale=1.0,tail=0.25)
def rates(c):
    t=np.arange(c['steps']); w=c['warm']
    if c['sched']=='cos': r=c['lr']*np.where(t<w,(t+1)/max(w,1),.5*(1+np.cos(np.pi*(t-w)/(c['steps']-w))))
    elif c['sched']=='exp': r=c['lr']*c['fac']**(t/c['steps'])*np.where(t<w,(t+1)/max(w,1),1)
    elif c['sched']=='lin': r=c['lr']*np.where(t<w,(t+1)/max(w,1),1-(t-w)/(c['steps']-w))
    elif c['sched']=='const': r=c['lr']*np.where(t<w,(t+1)/max(w,1),1)
    elif c['sched']=='wsd': r=c['lr']*np.where(t<w,(t+1)/max(w,1),np.minimum(1,(c['steps']-t)/(c['steps']*.4)))
    return r
_F={}
def train(every=0,**kw):
    c={**BASE,**kw}; c['acts']=tuple(c['acts'])
    fk=(c['mode'],c['par'])
    if fk not in _F: _F[fk]=scaled(*fk)
    F=_F[fk]; off=offsets() if c['off']=='ls' else np.zeros(4)
    tabs=[tf.constant(np.vstack([F['train'][e],np.zeros((1,F['train'][e].shape[1]),np.float32)])) for e in range(4)]
    T=AtomTables(g=tuple(t.numpy() for t in tabs),first=FIRST['train'],counts=CNT['train'],energies=EN['train'])
    targets=(EN['train']-CNT['train']@off)/c['scale']
    W0=init(c['sizes'],c['seed'],c['gain'],c['kind'],None,c.get('bg',0.))
    if c.get('start') is not None: W0=c['start']
    caps=batch_shapes(CNT['train'],c['B'],CNT['train'].sum(1).astype(float))[-1]
    run,V,M,Q,A=program(c['B'],c['acts'],tuple(w.shape for w in W0),c['loss'],c['opt'],caps)
    for k,w in enumerate(W0): V[k].assign(w);A[k].assign(w);M[k].assign(w*0);Q[k].assign(w*0)
    lr=rates(c); n=c['steps']; t0=0; hist=[]; tm=0
    for t in range(0,n,CHUNK):
        m=min(CHUNK,n-t)
        rec=batch_records(c['seed'],720,c['B'],t,m)
        ch=make_chunk(T,rec,caps,targets)
        pad=lambda a:np.concatenate([a,np.repeat(a[-1:],CHUNK-m,0)]) if m<CHUNK else a
        ed=np.full(CHUNK,c['ema']); l=np.zeros(CHUNK); l[:m]=lr[t:t+m]
        a=time.perf_counter()
        tr=run(tabs,[tf.constant(pad(r)) for r in ch.rows],[tf.constant(pad(r)) for r in ch.owners],tf.constant(pad(ch.targets)),tf.constant(pad(ch.n_atoms)),tf.constant(l),tf.constant(ed),tf.constant(np.array([c['b1'],c['b2'],c['eps'],c['wd'],c['l2'],t],np.float64)),tf.constant(m)).numpy()
        dt=time.perf_counter()-a
        if t: tm+=dt
        if every and (t//CHUNK+1)%every==0: hist.append((t+m,evaluate([v.numpy() for v in V],F,'validate',c['acts'],c['scale'],off)[0]))
    W=[v.numpy() for v in V]; E=[v.numpy() for v in A]
    r=dict(cfg=kw,ms=1e3*tm/max(n-CHUNK,1),**{s:evaluate(W,F,s,c['acts'],c['scale'],off)[0] for s in SETS},ema_val=evaluate(E,F,'validate',c['acts'],c['scale'],off)[0],ema_test=evaluate(E,F,'test',c['acts'],c['scale'],off)[0])
    if every: r['hist']=hist
    r['W']=W
    return r
def show(**kw):
    r=train(**kw); W=r.pop('W')
    print(f"val {r['validate']:.3f} test {r['test']:.3f} train {r['train']:.3f} | ema {r['ema_val']:.3f} {r['ema_test']:.3f} | {r['ms']:.3f} ms | {kw}",r.get('hist',''),flush=True)
    with open('/tmp/w/q/log.jsonl','a') as f: f.write(json.dumps(r,default=str)+'\n')
    return r
